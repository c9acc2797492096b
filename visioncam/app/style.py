"""How the page looks: the system's own fonts, so that nothing is loaded from elsewhere, light and dark."""

from __future__ import annotations

from typing import Any

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
CSS = """
.gradio-container { max-width: 1400px !important; margin: 0 auto; }
footer { display: none !important; }
#vc-page { display: grid; grid-template-columns: minmax(320px, 4fr) minmax(0, 9fr);
  grid-template-rows: auto 1fr; align-items: start; }
#vc-page > * { min-width: 0 !important; grid-column: 1; }
#vc-page > #vc-results { grid-area: 1 / 2 / 3 / 3; }
@media (max-width: 800px) {
  #vc-page { grid-template: none; }
  #vc-page > #vc-results { grid-area: auto; }
}
#vc-page input[role=combobox] { padding-right: 1.8rem; text-overflow: ellipsis; }
#vc-maps .thumbnail-item { aspect-ratio: auto; border: 0; box-shadow: none; background: none; }
#vc-maps .thumbnail-item img { height: auto; max-height: 70vh; object-fit: contain; }
#vc-maps .grid-container { grid-template-rows: auto; grid-auto-rows: auto; align-items: start; }
#vc-maps, #vc-maps :is(.gallery-container, .grid-wrap, .grid-container) { height: auto !important;
  min-height: 0 !important; max-height: none !important; max-width: none; overflow: visible !important; }
#vc-maps:not(:has(img)) .empty { display: none; }
#vc-photo { border: 1px dashed var(--neutral-400); }
#vc-examples, #vc-examples :is(.grid-wrap, .grid-container) { padding: 0 !important; overflow: hidden; }
#vc-examples .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 6px; }
#vc-downloads button[aria-label^="Remove"] { display: none; }
.vc-title { font-size: 1.05rem; padding: .4rem 0; color: var(--body-text-color-subdued); }
.vc-title b { font-size: 1.35rem; color: var(--body-text-color); margin-right: .6rem; }
.vc-hint { padding: 3rem 1rem; text-align: center; color: var(--body-text-color-subdued);
  border: 1px dashed var(--neutral-400); border-radius: 8px; }
.vc-error { padding: .8rem 1rem; border-left: 4px solid #c2410c; background: var(--block-background-fill);
  color: var(--body-text-color); overflow-wrap: anywhere; }
.vc-words { display: grid; grid-template-columns: minmax(220px, 1fr) 2fr; gap: 1.2rem; padding: .4rem .2rem; }
@media (max-width: 800px) { .vc-words { grid-template-columns: 1fr; } }
.vc-words table, .vc-words :is(tr, th, td) { border: 0 !important; background: none !important; }
.vc-words table { border-collapse: collapse; width: 100%; margin: 0 !important; }
.vc-words th { text-align: left; vertical-align: top; font-weight: 600;
  padding: .15rem .9rem .15rem 0 !important;  white-space: nowrap; color: var(--body-text-color-subdued); }
.vc-words td { padding: .15rem 0 !important; vertical-align: top; overflow-wrap: anywhere; }
.vc-words small { display: block; color: var(--body-text-color-subdued); }
.vc-sees { list-style: none; margin: 0; padding: 0; }
.vc-sees li { display: grid; grid-template-columns: 1fr auto; padding: .15rem 0; gap: 0 .6rem; }
.vc-sees b { font-weight: 400; font-variant-numeric: tabular-nums; }
.vc-sees i { grid-column: 1 / 3; height: 4px; border-radius: 2px; background: var(--neutral-400); }
.vc-sees .vc-mine { font-weight: 600; }
.vc-sees .vc-mine i { background: var(--primary-500); }
"""


def theme() -> Any:
    import gradio as gr

    return gr.themes.Soft(
        primary_hue="orange",
        neutral_hue="slate",
        font=[gr.themes.Font(name) for name in SANS],
        font_mono=[gr.themes.Font(name) for name in MONO],
    ).set(
        block_title_background_fill="transparent",
        block_title_background_fill_dark="transparent",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
        block_title_padding="0",
        block_label_background_fill="*background_fill_secondary",
        block_label_background_fill_dark="*background_fill_secondary",
        block_label_text_color="*body_text_color",
        block_label_text_color_dark="*body_text_color",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_400",
    )
