// Loaded on pages with sliders only. ipywidgets gives a slider's handle no name, and for a value the position:
// say the label and the value that a reader sees beside it.
new MutationObserver(() => {
  for (const slider of document.querySelectorAll(".widget-slider, .widget-hslider")) {
    const handle = slider.querySelector('[role="slider"]');
    if (!handle) continue;
    const name = slider.querySelector(".widget-label")?.textContent.trim();
    const value = slider.querySelector(".widget-readout")?.textContent.trim();
    // Setting an attribute is itself a mutation: only when it changes something.
    if (name && handle.getAttribute("aria-label") !== name) handle.setAttribute("aria-label", name);
    if (value && handle.getAttribute("aria-valuetext") !== value) handle.setAttribute("aria-valuetext", value);
  }
}).observe(document.documentElement, { childList: true, characterData: true, subtree: true });
