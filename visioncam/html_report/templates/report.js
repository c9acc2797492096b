"use strict";
(() => {
  const root = document.documentElement;
  const all = (where, what) => Array.from(where.querySelectorAll(what));
  const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const tables = { heat: decode(document.body.dataset.colours), signed: decode(document.body.dataset.signedColours) };

  // 256 colours with opacity: up to the middle of the slider the map comes in where evidence is strong,
  // from there on it covers the photo.
  function lookup(kind, full, blend) {
    const table = tables[kind], rgba = new Uint32Array(256), bytes = new Uint8ClampedArray(rgba.buffer);
    for (let i = 0; i < 256; i++) {
      const strength = kind === "signed" ? Math.abs(i - 127.5) / 127.5 : i / 255;
      const share = Math.min(strength / full, 1), rise = share * share * (3 - 2 * share);
      const half = 0.8 * rise * Math.min(2 * blend, 1), more = Math.max(2 * blend - 1, 0);
      bytes.set([table[3 * i], table[3 * i + 1], table[3 * i + 2], 255 * (half + (1 - half) * more)], 4 * i);
    }
    return rgba;
  }

  async function paint(canvas, image, blend, photo) {
    const turn = (canvas.turn = (canvas.turn || 0) + 1);
    if (image) await image.decode();
    if (photo) await photo.decode();
    if (canvas.turn !== turn) return;
    const pen = canvas.getContext("2d", { willReadFrequently: true }), { width, height } = canvas;
    pen.clearRect(0, 0, width, height);
    if (image) {
      pen.imageSmoothingQuality = "high";
      if (image.dataset.kind === "drawn") {
        pen.globalAlpha = blend;
        pen.drawImage(image, 0, 0, width, height);
        pen.globalAlpha = 1;
      } else {
        pen.drawImage(image, 0, 0, width, height);
        const area = pen.getImageData(0, 0, width, height), pixels = new Uint32Array(area.data.buffer);
        const colours = lookup(image.dataset.kind, Number(image.dataset.full), blend);
        for (let i = 0; i < pixels.length; i++) pixels[i] = colours[area.data[4 * i]];
        pen.putImageData(area, 0, 0);
      }
    }
    if (photo) {
      pen.globalCompositeOperation = "destination-over";
      pen.drawImage(photo, 0, 0, width, height);
      pen.globalCompositeOperation = "source-over";
    }
  }

  function outline(canvas, image) {
    const pen = canvas.getContext("2d"), { width, height } = canvas;
    for (const text of image.dataset.boxes.split(";").filter(Boolean)) {
      const [left, top, wide, high, score] = text.split(",").map(Number);
      const box = [left * width, top * height, wide * width, high * height];
      for (const [colour, thick] of [["#000", 5], ["#fff", 2.5]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = thick;
        pen.strokeRect(...box);
      }
      const words = Math.round(score * 100) + " %";
      pen.font = "bold 14px sans-serif";
      const y = Math.max(box[1], 4) + 4, x = box[0] + 4;
      pen.fillStyle = "#000";
      pen.fillRect(x, y, pen.measureText(words).width + 8, 19);
      pen.fillStyle = "#fff";
      pen.fillText(words, x + 4, y + 14);
    }
  }

  // The photo with one region of a map hidden.
  function hide(canvas, photo, parts, at) {
    const pen = canvas.getContext("2d"), { width, height } = canvas;
    pen.clearRect(0, 0, width, height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(parts, 0, 0, width, height);
    const area = pen.getImageData(0, 0, width, height), pixels = area.data;
    for (let i = 0; i < pixels.length; i += 4) if (number(pixels, i) !== at) pixels[i + 3] = 0;
    pen.putImageData(area, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = parts.dataset.shade;
    pen.fillRect(0, 0, width, height);
    pen.globalCompositeOperation = "destination-over";
    pen.drawImage(photo, 0, 0, width, height);
    pen.globalCompositeOperation = "source-over";
    pen.imageSmoothingEnabled = true;
  }

  function number(pixels, i) { return pixels[i + 2] ? -1 : pixels[i] + 256 * pixels[i + 1]; }

  function region(parts, x, y) {
    const one = document.createElement("canvas");
    one.width = one.height = 1;
    const pen = one.getContext("2d");
    pen.drawImage(parts, Math.floor(x * parts.naturalWidth), Math.floor(y * parts.naturalHeight), 1, 1, 0, 0, 1, 1);
    return number(pen.getImageData(0, 0, 1, 1).data, 0);
  }

  class Photo {
    constructor(article) {
      this.article = article;
      this.canvas = article.querySelector(".over");
      this.photo = article.querySelector(".shown");
      this.slider = article.querySelector(".blend input");
      this.maps = all(article, ".store img");
      this.facts = all(article, ".facts");
      this.thumbs = all(article, ".thumb");
      this.boxes = false;
      for (const hidden of all(article, ".blend, .methods")) hidden.hidden = false;
      this.slider.addEventListener("input", () => this.show());
      for (const input of all(article, "input[type=radio]"))
        input.addEventListener("change", () => { this.show(); if (input.name.startsWith("view-")) this.thumbnails(); });
      this.parts = all(article, ".parts img");
      this.hidden = -1;
      this.canvas.addEventListener("pointermove", (event) => this.point(event));
      this.canvas.addEventListener("pointerleave", () => this.leave());
      this.tell();
    }
    point(event) {
      const parts = this.of(this.parts, this.method);
      if (!parts || !parts.complete) return;
      const box = this.canvas.getBoundingClientRect();
      const at = region(parts, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      if (at === this.hidden) return;
      if (at < 0) { this.leave(); return; }
      this.hidden = at;
      this.canvas.turn = (this.canvas.turn || 0) + 1;
      hide(this.canvas, this.photo, parts, at);
      this.article.querySelector(".told").textContent = parts.dataset.names.split("\n")[at] + " (" + parts.dataset.told + ")";
    }
    leave() {
      if (this.hidden < 0) return;
      this.hidden = -1;
      this.show();
    }
    get view() { return this.article.querySelector("input[name^=view-]:checked").value; }
    get method() { return this.article.querySelector("input[name^=method-]:checked").value; }
    of(list, method) { return list.find((one) => one.dataset.view === this.view && one.dataset.method === method); }
    choose(method) {
      const input = all(this.article, "input[name^=method-]").find((one) => one.value === method);
      if (input) { input.checked = true; this.show(); }
    }
    tell() {
      const facts = this.of(this.facts, this.method);
      for (const one of this.facts) one.hidden = one !== facts;
      const title = facts ? facts.querySelector("h3").textContent : "";
      const map = this.of(this.maps, this.method), missing = this.article.querySelector(".missing");
      missing.hidden = Boolean(map);
      missing.textContent = map ? "" : title + ": could not be made";
      this.article.querySelector(".told").textContent = title;
      this.canvas.setAttribute("aria-label", map ? title + ", map over the photo" : "no map");
      this.slider.setAttribute("aria-valuetext", "photo with " + this.slider.value + " % map");
      return map;
    }
    async show() {
      const map = this.tell();
      await paint(this.canvas, map, this.slider.value / 100);
      if (map && this.boxes) outline(this.canvas, map);
      this.article.dataset.shown = this.view + "/" + this.method + "/" + this.slider.value;
    }
    async thumbnails() {
      this.drawn = true;
      await Promise.all(this.thumbs.map((thumb) => {
        const map = this.of(this.maps, thumb.querySelector("input").value);
        thumb.classList.toggle("failed", !map);
        return paint(thumb.querySelector("canvas"), map, 0.5, this.photo);
      }));
    }
    async draw() { if (!this.drawn) await Promise.all([this.thumbnails(), this.show()]); }
  }

  const photos = all(document, "article.photo").map((article) => new Photo(article));
  const MANY = 40; // photos; of more only those in sight are drawn, the others when they are printed
  if (photos.length > MANY && "IntersectionObserver" in window) {
    const near = new IntersectionObserver((found) => {
      for (const one of found)
        if (one.isIntersecting) { near.unobserve(one.target); photos.find((photo) => photo.article === one.target).draw(); }
    }, { rootMargin: "600px" });
    for (const photo of photos) near.observe(photo.article);
  } else (async () => { for (const photo of photos) await photo.draw(); })();
  window.addEventListener("beforeprint", () => photos.forEach((photo) => photo.draw()));

  // ---- tables
  const order = new Intl.Collator(undefined, { numeric: true }).compare;
  function value(row, column) {
    const cell = row.cells[column];
    return cell === undefined ? "" : cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
  }
  for (const table of all(document, "table.sortable"))
    all(table, "th").forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending", body = table.tBodies[0];
      for (const other of all(table, "th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = Array.from(body.rows).sort((one, other) => {
        const a = value(one, column), b = value(other, column);
        const first = typeof a === "number" && typeof b === "number" ? a - b : order(String(a), String(b));
        return down ? -first : first;
      });
      body.append(...rows);
    }));

  // ---- for all photos
  const tools = document.querySelector(".tools"), methods = document.getElementById("all-methods");
  if (!tools) return; // a page of sections alone
  tools.hidden = false;
  const names = new Map();
  for (const photo of photos)
    for (const thumb of photo.thumbs) names.set(thumb.querySelector("input").value, thumb.querySelector("span").textContent);
  for (const [value, title] of names) methods.append(new Option(title, value));
  methods.addEventListener("change", () => photos.forEach((photo) => photo.choose(methods.value)));
  document.getElementById("all-blend").addEventListener("input", (event) => {
    for (const photo of photos) { photo.slider.value = event.target.value; photo.show(); }
  });
  document.getElementById("all-boxes").addEventListener("change", (event) => {
    for (const photo of photos) { photo.boxes = event.target.checked; photo.show(); }
  });
  document.getElementById("theme").addEventListener("change", (event) => { root.dataset.theme = event.target.value; });
  const signed = photos.some((photo) => photo.maps.some((map) => map.dataset.kind === "signed"));
  if (signed) document.getElementById("scale-low").textContent = "against";
  const bar = document.getElementById("scale").getContext("2d"), strip = bar.createImageData(256, 10);
  const colours = lookup(signed ? "signed" : "heat", 1, 1), row = new Uint32Array(strip.data.buffer);
  for (let i = 0; i < row.length; i++) row[i] = colours[i % 256];
  bar.putImageData(strip, 0, 0);
})();
