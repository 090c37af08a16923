// Loaded on pages with sliders only.

// html-manager typesets its labels with the queue of MathJax 2; MathJax 3 has none, and a page with both would stop
// with an error. No label of ours holds a formula.
let mathjax = window.MathJax;
const withQueue = (it) => {
  if (it && !it.Hub) it.Hub = { Queue() {} };
  return it;
};
withQueue(mathjax);
Object.defineProperty(window, "MathJax", {
  configurable: true,
  get: () => mathjax,
  set: (it) => { mathjax = withQueue(it); },
});

// ipywidgets gives a slider's handle no name, and for a value the position: say the label and the value that a
// reader sees beside it.
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
