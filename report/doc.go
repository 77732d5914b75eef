// Package report is what people and other programs look at: functions of the record of a run, which is package results'.
//
// A report in the run folder is one function of a [results.Record], in one file, and its line in renderers; [WriteReports]
// writes them all. [JSON] writes to where it is told. [Terminal] shows a run while it goes on, as a
// subscriber of its journal: were it to break, the record would be none the worse.
//
// Texts in a record may come from a guest and are hostile: each function neutralises them for its own format.
package report
