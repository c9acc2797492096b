// Browsers start no worker in a page opened from a folder; a hidden frame does its work.
if (location.protocol === "file:")
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.body.appendChild(Object.assign(document.createElement("iframe"), { hidden: true }))
      const inside = (this.inside = frame.contentWindow)
      addEventListener("message", (event) => {
        if (event.source !== inside) return
        const copy = new MessageEvent("message", { data: event.data })
        this.dispatchEvent(copy)
        this.onmessage?.(copy)
      })
      this.ready = new Promise((resolve) => (window.__frameReady = resolve))
      inside.document.write(
        `<script>postMessage = (data) => parent.postMessage(data, "*")<\/script>` +
        `<script>importScripts = () => Promise.resolve()<\/script>` +
        `<script src="${url}"><\/script><script>parent.__frameReady()<\/script>`)
      inside.document.close()
    }
    postMessage(data) {
      this.ready.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })))
    }
    terminate() {}
  }
