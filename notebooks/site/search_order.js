// The order of what a search of the site finds: the guide and what has a public name first, then
// notebooks and commands, then results, then pages about the inside and the history. Sphinx reads this
// file in place of its own scores (option html_search_scorer).

var LAST = /^(inside\/|models\/|equations$|changelog$|contributing$|licence-and-citation$)/;
var FIRST = /^((?!commands$)[^\/]+|api\/bayes_intgen\.[^.]+)$/;
var LATER = /^notebooks\/results\//;

var Scorer = {
  score: function (result) {
    var page = result[0];
    var points = result[4];
    if (LAST.test(page)) return points - 1000;
    if (LATER.test(page)) return points - 100;
    return FIRST.test(page) ? points + 3 : points;
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
