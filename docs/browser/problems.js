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
  const frames = new Set();
  for (const element of elements.filter(scrolls)) {
    frames.add(element);
    if (!element.dataset.cut || getComputedStyle(element).maskImage === "none") {
      problems.push(`scrolls sideways without a sign: ${short(element)}`);
    }
    if (element.tabIndex !== 0 || !element.ariaLabel) {
      problems.push(`scrolls out of the keyboard's reach: ${short(element)}`);
    }
  }
  const framed = (element) => element && (frames.has(element) || framed(element.parentElement));
  for (const element of elements) {
    const { left, right, width: own } = element.getBoundingClientRect();
    if (own && (left < -1 || right > width + 1) && !framed(element.parentElement)) {
      problems.push(`beyond the edge: ${short(element)}`);
    }
  }
  for (const image of document.images) {
    if (!image.complete || !image.naturalWidth) problems.push(`no image at ${image.src}`);
  }
  for (const formula of document.querySelectorAll("article .math")) {
    if (!formula.querySelector("mjx-container svg")) problems.push(`no formula: ${short(formula)}`);
  }
  for (const error of document.querySelectorAll("[data-mml-node='merror']")) {
    problems.push(`MathJax: ${error.getAttribute("title") ?? short(error)}`);
  }
  return problems;
};
