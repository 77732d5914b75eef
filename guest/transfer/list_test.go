package transfer

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/guest/winname"
)

func TestParseListing(t *testing.T) {
	t.Parallel()
	const root = `{"kind":"folder","path":""}` + "\n"
	end := func(n int) string { return fmt.Sprintf(`{"kind":"end","entries":%d}`+"\n", n) }
	entry := func(kind, path string) string { return fmt.Sprintf(`{"kind":%q,"path":%q}`+"\n", kind, path) }
	deep := ""
	for i := range maxListDepth + 1 {
		deep += entry("folder", strings.Repeat(`d\`, i)+"d")
	}
	tests := map[string]struct {
		text string
		want string // in the error; "" for none
	}{
		"a file":                {`{"kind":"file","path":"","size":7}` + "\n" + end(1), ""},
		"absent":                {`{"kind":"absent","path":""}` + "\n" + end(1), ""},
		"a folder":              {root + entry("folder", "a") + entry("file", `a\b`) + entry("link", `a\l`) + end(4), ""},
		"what may come later":   {`{"kind":"file","path":"","size":7,"time":5}` + "\n" + end(1), ""},
		"nothing":               {"", "EOF"},
		"no end":                {root, "EOF"},
		"cut":                   {root + `{"kind":"end"`, "EOF"},
		"only the end":          {end(0), "speaks of 0"},
		"an entry lost":         {root + entry("file", "a") + end(3), "speaks of 3 entries, 2 came"},
		"after the end":         {root + end(1) + root, "after the last line"},
		"two roots":             {root + root + end(2), "only the first"},
		"no root":               {entry("file", "a") + end(1), "only the first"},
		"no JSON":               {"hello\n", "no entry"},
		"a size of text":        {`{"kind":"file","path":"","size":"0x1"}` + "\n", "no entry"},
		"a negative size":       {`{"kind":"file","path":"","size":-1}` + "\n" + end(1), "-1 bytes"},
		"an unknown kind":       {root + entry("pipe", "a") + end(2), `kind "pipe"`},
		"absent below":          {root + entry("absent", "a") + end(2), "absent"},
		"an endless line":       {strings.Repeat(" ", 2*maxListLine), "more than"},
		"up":                    {root + entry("file", `..\x`) + end(2), `..\x`},
		"up, as a folder":       {root + entry("folder", "..") + entry("file", `..\x`) + end(3), "because of 1 path\n"},
		"up, by slashes":        {root + entry("file", "../../etc/passwd") + end(2), "etc/passwd"},
		"absolute":              {root + entry("file", `C:\x`) + end(2), `C:\x`},
		"absolute, here":        {root + entry("file", "/etc/passwd") + end(2), "/etc/passwd"},
		"another machine":       {root + entry("file", `\\host\x`) + end(2), `\\host\x`},
		"a stream":              {root + entry("file", "a:b") + end(2), "a:b"},
		"a device":              {root + entry("file", "con.txt") + end(2), "device"},
		"an empty name":         {root + entry("folder", "a") + entry("file", `a\`) + end(3), "empty name"},
		"a NUL":                 {root + "{\"kind\":\"file\",\"path\":\"a\\u0000b\"}\n" + end(2), "character"},
		"twice":                 {root + entry("file", "a") + entry("file", "a") + end(3), "listed twice"},
		"a folder, twice":       {root + entry("folder", "a") + entry("folder", "a") + entry("file", `a\b`) + end(4), "listed twice"},
		"but for case":          {root + entry("file", "a") + entry("file", "A") + end(3), ""}, // as a case-sensitive folder has them
		"kept apart by NTFS":    {root + entry("file", "ı.txt") + entry("file", "I.txt") + end(3), ""},
		"DEL":                   {root + "{\"kind\":\"file\",\"path\":\"a\u007fb\"}\n" + end(2), ""},
		"conın$":                {root + entry("file", "conın$") + end(2), ""},
		"no Unicode":            {root + `{"kind":"unreadable","path":"a","win32":1113}` + "\n" + end(2), "half a pair"},
		"too long in the guest": {root + `{"kind":"unreadable","path":"a","win32":206}` + "\n" + end(2), "deeper than"},
		"below what is refused": {root + entry("folder", "con") + entry("folder", `con\a`) + entry("file", `con\a\b`) + end(4), "because of 1 path\n"},
		"below a file":          {root + entry("file", "a") + entry("file", `a\b`) + end(3), "was not listed"},
		"below a link":          {root + entry("link", "a") + entry("file", `a\b`) + end(3), "was not listed"},
		"below nothing":         {root + entry("file", `a\b`) + end(2), "was not listed"},
		"a folder, its case":    {root + entry("folder", "a") + entry("file", `A\b`) + end(3), "was not listed"},
		"too deep":              {root + deep + end(maxListDepth+2), "deeper"},
		"unreadable":            {root + entry("folder", "a") + `{"kind":"unreadable","path":"a","win32":5}` + "\n" + end(3), "a: the agent can't read it: ERROR_ACCESS_DENIED (5)"},
		"the root, unreadable":  {root + `{"kind":"unreadable","path":"","win32":5}` + "\n" + end(2), "the folder itself"},
		"unreadable, unlisted":  {`{"kind":"unreadable","path":"","win32":5}` + "\n" + end(1), "only the first"},
		"terminal control":      {root + entry("file", "a\x1b[2J") + end(2), "character"},
		"as many as there fit":  {root + files(maxListEntries-1) + end(maxListEntries), ""},
		"endless, without ends": {root + files(maxListEntries), "beyond the limit"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l, err := parseListing(strings.NewReader(test.text))
			told := strings.Count(test.text, "\n") - 1
			if test.want == "" {
				if err != nil || len(l.entries) != told || l.leftOut.Total != 0 {
					t.Errorf("%d entries, %v; left out: %v; want no error and len(l.entries) == told and l.leftOut.Total == 0", len(l.entries), err, l.leftOut.err())
				}
				return
			}
			if err == nil && len(l.entries) < told {
				err = l.leftOut.err() // the rest can be taken
			} else if l.entries != nil {
				t.Errorf("%d entries with %v; want l.entries == nil", len(l.entries), err)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d entries, %v; want %q", len(l.entries), err, test.want)
			}
			if strings.Contains(fmt.Sprint(err), "\x1b") {
				t.Errorf("control characters in %q", err)
			}
		})
	}
}

func files(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"kind":"file","path":"%d"}`+"\n", i)
	}
	return b.String()
}

// FuzzListing: whatever a guest sends, what comes out can be put below a folder of the host without
// leaving it, and nothing twice.
func FuzzListing(f *testing.F) {
	f.Add(`{"kind":"folder","path":""}` + "\n" + `{"kind":"folder","path":"a"}` + "\n" + `{"kind":"file","path":"a\\ü","size":3}` + "\n" + `{"kind":"end","entries":3}` + "\n")
	f.Add(`{"kind":"folder","path":""}` + "\n" + `{"kind":"file","path":"..\\a"}` + "\n" + `{"kind":"end","entries":2}` + "\n")
	f.Add(`{"kind":"file","path":"","size":9007199254740993}` + "\n" + `{"kind":"end","entries":1}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseListing(strings.NewReader(text))
		if err != nil {
			if l.entries != nil {
				t.Errorf("%d entries with %v; want l.entries == nil", len(l.entries), err)
			}
			return
		}
		seen := map[string]bool{}
		for i, e := range l.entries {
			if (i == 0) != (e.Path == "") || e.Size < 0 || seen[e.Path] {
				t.Errorf("entry %d: %+v", i, e)
			}
			seen[e.Path] = true
			place := strings.ReplaceAll(e.Path, `\`, "/")
			if i > 0 && (!filepath.IsLocal(place) || filepath.ToSlash(filepath.Clean(place)) != place || winname.CheckPath(`C:\`+e.Path) != nil && len(e.Path) < winname.MaxPath-3) {
				t.Errorf("entry %d leads out: %q", i, e.Path)
			}
		}
	})
}
