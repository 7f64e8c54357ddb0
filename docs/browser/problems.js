/* What is wrong with a page at its present width and in its present colors: a list of sentences. */
() => {
  const problems = [];
  const width = document.documentElement.clientWidth;
  const short = (element) =>
    `<${element.localName} class="${element.getAttribute("class") ?? ""}"> ` +
    `"${element.textContent.trim().slice(0, 40)}"`;
  // Furo's menus wait outside of a narrow page; what is for screen readers only is not to be seen.
  const aside = ".sidebar-drawer, .toc-drawer, .mobile-header, .skip-to-content, .visually-hidden";

  if (document.scrollingElement.scrollWidth > innerWidth) {
    problems.push(`the page is ${document.scrollingElement.scrollWidth} pixels wide`);
  }
  // Of code, a formula or a drawing the whole is looked at, not its thousand parts.
  const parts = "pre *, svg *, mjx-container *";
  const elements = [...document.querySelectorAll(`.page *:not(${parts})`)].filter(
    (element) => !element.closest(aside),
  );

  const scrolls = (element) =>
    ["auto", "scroll"].includes(getComputedStyle(element).overflowX) &&
    element.scrollWidth > element.clientWidth + 1;
  const hasSign = (frame) =>
    frame && Boolean(frame.dataset.cut) && getComputedStyle(frame).maskImage !== "none";
  for (const element of elements) {
    const { left, right, width: own } = element.getBoundingClientRect();
    if (scrolls(element)) {
      if (!hasSign(element)) problems.push(`scrolls sideways without a sign: ${short(element)}`);
      if (element.tabIndex !== 0 || !element.ariaLabel) {
        problems.push(`scrolls out of the keyboard's reach: ${short(element)}`);
      }
    }
    if (own && (left < -1 || right > width + 1)) {
      const frame = element.parentElement.closest("[data-cut]");
      if (!hasSign(frame)) problems.push(`beyond the edge: ${short(element)}`);
    }
  }
  for (const image of document.images) {
    if (!image.complete || !image.naturalWidth) problems.push(`no image at ${image.src}`);
  }
  for (const formula of document.querySelectorAll("article .math")) {
    if (!formula.querySelector("mjx-container svg")) problems.push(`no formula: ${short(formula)}`);
  }
  const wrong = "[data-mml-node='merror'], [data-mml-node='mtext'][fill='red']";
  for (const error of document.querySelectorAll(wrong)) {
    const formula = error.closest(".math") ?? error;
    problems.push(`MathJax does not know: ${error.dataset.latex ?? short(formula)}`);
  }
  return problems;
};
