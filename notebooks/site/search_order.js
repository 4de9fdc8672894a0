// The order of what a search of the site finds: pages for those who use the library first, then the
// notebooks and results, then pages about its inside and its history. Sphinx reads this file in place
// of its own scores (option html_search_scorer).

var LAST = /^(inside\/|models\/|equations$|changelog$|contributing$|licence-and-citation$)/;
var LATER = /^notebooks\/results\//;

var Scorer = {
  score: function (result) {
    var page = result[0];
    var points = result[4];
    if (LAST.test(page)) return points - 1000;
    return LATER.test(page) ? points - 100 : points;
  },
  // where a word is found: in names of objects, in titles, in texts
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
