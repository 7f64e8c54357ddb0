/* Frames that scroll, most of them sideways: code, tables, formulas and some pictures.

Which of a frame's ends are cut off is written to `data-cut`; tinynet.css lets these ends fade out.
Where something is cut off, the keyboard can reach the frame, and a screen reader is told its name.
*/
const FRAMES = {
  "article pre": "Code",
  "article .table-wrapper": "Table",
  "article .math-wrapper": "Formula",
  "article .scrolls": "Picture",
};

function mark(frame) {
  const hidden = frame.scrollWidth - frame.clientWidth;
  const cut = [];
  if (frame.scrollLeft > 1) cut.push("left");
  if (hidden - frame.scrollLeft > 1) cut.push("right");
  frame.dataset.cut = cut.join(" ");
}

function inspect(frame, name) {
  mark(frame);
  const sideways = frame.scrollWidth - frame.clientWidth > 1;
  if (sideways || frame.scrollHeight - frame.clientHeight > 1) {
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", `${name}, scrolls${sideways ? " sideways" : ""}`);
  } else {
    for (const attribute of ["tabindex", "role", "aria-label"]) frame.removeAttribute(attribute);
  }
}

function inspectAll() {
  for (const [selector, name] of Object.entries(FRAMES)) {
    for (const frame of document.querySelectorAll(selector)) inspect(frame, name);
  }
}

// Once pictures have their size and formulas are drawn, and whenever the page gets another width.
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  inspectAll();
  document.documentElement.dataset.inspected = "";  // what docs/browser/ waits for
  new ResizeObserver(inspectAll).observe(document.querySelector("article"));
});
// The event of a frame does not bubble; on its way down to the frame it passes here.
document.addEventListener("scroll", ({ target }) => target.dataset?.cut && mark(target), true);
