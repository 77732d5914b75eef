// Package bundle packs what a run has left into one file that can be attached to a bug report: without secrets, without
// what is large, and with a README.txt that says what each file in it is. The same run gives the same bytes.
package bundle

import (
	"errors"
	"regexp"
	"strings"

	"wskharness/recording"
	"wskharness/results"
)

// ErrRunning is a run that is still going on: what it has left so far may be half of a line.
var ErrRunning = errors.New("the run is still going on: wait for it, or end it, first")

const (
	maxText  = 64 << 20  // bytes of a file that is read as a text, or as a recording
	maxSmall = 8 << 20   // bytes of a file that the harness does not know
	maxAll   = 256 << 20 // bytes of all of them, but for dumps that were asked for
	maxFiles = 20_000
)

// Entry is a file of the run.
type Entry struct {
	Name string // in the archive, with slashes; of one that was left out, in the run's folder
	Size int64  // bytes
	What string // what it is, or why it was left out
}

// Contents are what became of the files of a run.
type Contents struct{ Packed, Left []Entry }

// kind is what the harness knows of a file by its name.
type kind struct {
	name *regexp.Regexp
	what string
	rule rule
}

type rule int

const (
	known    rule = iota // packed, up to maxText
	small                // packed, up to maxSmall
	dump                 // only where it is asked for
	driver               // never
	filtered             // request.json
	recorded             // exchanges
)

var kinds = []kind{
	{regexp.MustCompile(`^` + regexp.QuoteMeta(results.JournalName) + `$`), "the journal of the run: every event, a line of JSON each", known},
	{regexp.MustCompile(`^junit\.xml$`), "the verdicts as JUnit XML", known},
	{regexp.MustCompile(`^summary\.md$`), "the summary for people", known},
	{regexp.MustCompile(`^request\.json$`), "what was asked for; of the targets only what tells what kind of machine they are", filtered},
	{regexp.MustCompile(`^uploads\.json$`), "the hashes of the files that cases upload", known},
	{regexp.MustCompile(`^package/manifest\.json$`), "what was tested, by its hashes, and what it was built with", known},
	{regexp.MustCompile(`^(package/)?build\.log$`), "what the build of the driver wrote", known},
	{regexp.MustCompile(`^package/.*\.(cer|inf|cat)$`), "of the driver's package", known},
	{regexp.MustCompile(`^package/`), "of the driver's package: the image and its symbols are yours to give", driver},
	{regexp.MustCompile(`^targets/[^/]+/exchanges(-\d+)?\.ndjson\.gz$`), "what was said to the guest over WinRM (run --record): a line of JSON an exchange, " + recording.FileName, recorded},
	{regexp.MustCompile(`^targets/[^/]+/journal-\d+\.ndjson$`), "the guest's own journal of a run of the driver", known},
	{regexp.MustCompile(`^targets/[^/]+/checkpoint\.json$`), "how far the run had got on the target", known},
	{regexp.MustCompile(`^targets/[^/]+/before\.json$`), "what of the harness's own was in the guest before", known},
	{regexp.MustCompile(`(?i)(\.e?dmp(\.|$)|(^|/)(memory|dump)[^/]*$)`), "a dump of the guest's memory", dump},
	{regexp.MustCompile(`^targets/[^/]+/console[^/]*$`), "what the machine's console said", small},
	{regexp.MustCompile(`^targets/[^/]+/files/`), "a file that a case has collected in the guest", small},
	{regexp.MustCompile(`^targets/`), "evidence of the target", small},
	{regexp.MustCompile(``), "a file of the run", small},
}

func kindOf(name string) kind {
	for _, k := range kinds {
		if k.name.MatchString(name) {
			return k
		}
	}
	return kinds[len(kinds)-1]
}

// reserved are names that are devices on Windows.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)

// safe is a name for the archive that can't leave the folder in which it is unpacked, on any system, and that no other
// file has there: case is no difference.
func safe(name string, taken map[string]bool) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		part = strings.Map(func(c rune) rune {
			if c < 0x20 || c == 0x7f || c > 0x7e || strings.ContainsRune(`\:*?"<>|`, c) {
				return '_'
			}
			return c
		}, part)
		part = strings.TrimRight(part, ". ")
		if part == "" || reserved.MatchString(part) {
			part = "_" + part
		}
		if len(part) > 200 {
			part = part[:200]
		}
		parts[i] = part
	}
	wanted := strings.Join(parts, "/")
	name = wanted
	for n := 2; taken[strings.ToLower(name)]; n++ {
		name = wanted + "~" + strings.Repeat("x", n-1)
	}
	taken[strings.ToLower(name)] = true
	return name
}
