/* The order of search results: derivations, classes, other pages, methods, and kernels last.

Sphinx's own order knows only where a word was found (searchtools.js says how many points for what),
and puts a module of kernels before the page that derives them.
*/
const SOUGHT = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().split(/\s+/);

var Scorer = {
  score([page, title, anchor, description, points, file, kind]) {
    if (page === "api/kernels") return points - 100;
    if (kind === "object") {
      const isMethod = !/^Python (class|function|data|module)/.test(description);
      return points + (isMethod ? -20 : points >= 16 ? 14 : 5);
    }
    // A word may also be found in the title of a section: then it is not what the page is about.
    const isAbout = SOUGHT.every((word) => title.toLowerCase().includes(word));
    if (page.startsWith("backprop/")) return points + (isAbout ? 20 : 5);
    return points + (isAbout && !page.startsWith("api/generated/") ? 10 : 0);
  },

  // As in searchtools.js.
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
