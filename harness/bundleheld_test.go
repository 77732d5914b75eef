//go:build linux

package harness

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"wskharness/bundle"
	"wskharness/harness/harnesstest"
	"wskharness/host"
	"wskharness/recording"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
)

// TestBundleOfARun makes a run on a Wine guest, with all that is said to it, packs it as people do, and does it again. Then it
// changes the bundle in one place after the other: what today's code makes of it is not what it was any more, and each is noticed.
func TestBundleOfARun(t *testing.T) {
	env := testEnv(t)
	const password = "canary-of-the-run"
	c := harnesstest.Config(t, "", nil)
	plan, err := NewPlan(Request{Config: c, Out: c.Out, Record: true, Command: password,
		Selection: suites.Selection{Patterns: []string{"registration.basic", "capture.deregister_waits_one", "registration.table_kept"}}})
	if err != nil {
		t.Fatal(err)
	}
	done, err := plan.Run(testtime.Context(t), env)
	if err != nil {
		t.Fatalf("%v\n%s", err, summary(done))
	}
	var packed bytes.Buffer
	if _, err := bundle.Write(&packed, bundle.Options{Dir: done.Dir, Secrets: remote.NewRedactor(password), Values: func(func(string) bool) []string { return nil }}); err != nil {
		t.Fatal(err)
	}
	whole := unpacked(t, packed.Bytes())
	h := holdTo(t, whole, nil)
	for _, text := range slices.Concat(h.differences, h.left) {
		t.Error(text)
	}
	if !h.same || h.counts.commands < 2 || h.counts.facts < 1 || h.counts.driverRuns != 1 {
		t.Fatalf("the same cases: %t; tried: %+v, want some commands and facts, and one run of the driver\n%s", h.same, h.counts, summary(done))
	}

	versions, readme := string(whole["versions.json"].Data), string(whole["README.txt"].Data)
	for _, want := range []string{runtime.Version(), host.System(), "wine-"} {
		if !strings.Contains(versions, want) || !strings.Contains(readme, want) {
			t.Errorf("README.txt or versions.json do not have %q:\n%s%s", want, readme, versions)
		}
	}

	const journalFile, exchangesFile = "targets/wine/journal-1.ndjson", "targets/wine/" + recording.FileName
	for name, test := range map[string]struct {
		file   string
		change func(t *testing.T, data []byte) []byte
		want   string
	}{
		"a step that went otherwise": {journalFile, replaced(`("ev":"step".*"ok":)1`, `${1}0`), "registration.basic on wine: error, want pass"},
		"a record that is missing":   {journalFile, replaced(`\n\{"seq":4,[^\n]*`, ``), "bytes make sense"},
		"records in another order":   {journalFile, replaced(`(\{"seq":4,[^\n]*\n)(\{"seq":5,[^\n]*\n)`, `${2}${1}`), "bytes make sense"},
		"a record of another sort":   {journalFile, replaced(`"ev":"driver-stop","ok":1,"win32":0`, `"ev":"driver-stop","ok":0,"why":"stop","win32":5`), "case-started deploy.stop"},
		"a journal that no agent has printed": {journalFile, replaced(`("ev":"step".*"ns":)\d+`, `${1}7`),
			"has a line that no agent has printed"},
		"a verdict":     {results.JournalName, replaced(`("kind":"case-finished".*"outcome":)"pass"`, `${1}"fail"`), "want case-finished"},
		"a driver run":  {results.JournalName, replaced(`("state":"ended".*)"clean":true`, `${1}"why":"x"`), "clean: true"},
		"a fact":        {results.JournalName, replaced(`("bootId":")[0-9a-f]{8}`, `${1}00000000`), "no agent says"},
		"a seed number": {results.JournalName, replaced(`"seq":3,`, `"seq":4,`), "a line is missing"},
		"what a guest is, as the agent says it": {exchangesFile, streams(func(data []byte) []byte {
			return bytes.Replace(data, []byte(`"admin":true`), []byte(`"admin":false`), 1)
		}), "no agent says"},
		"a line of the journal, on its way": {exchangesFile, streams(func(data []byte) []byte {
			return bytes.Replace(data, []byte(`"ev":"case-start","n":1`), []byte(`"ev":"case-start","n":0`), 1)
		}), "has a line that no agent has printed"},
		"a line of the recording that is missing": {exchangesFile, lines(func(all []recording.Line) []recording.Line {
			i := slices.IndexFunc(all, func(l recording.Line) bool { return l.Action == "Receive" && strings.Contains(l.Answer, "ExitCode") })
			return slices.Delete(all, i, i+1)
		}), ""},
		"a command line": {exchangesFile, lines(func(all []recording.Line) []recording.Line {
			for i := range all {
				all[i].Request = strings.Replace(all[i].Request, ">info ", ">inform ", 1)
			}
			return all
		}), "no agent says"},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(whole)
			is := test.change(t, files[test.file].Data)
			if bytes.Equal(is, files[test.file].Data) {
				t.Fatalf("nothing in %s was changed", test.file)
			}
			files[test.file] = &fstest.MapFile{Data: is}
			h := holdTo(t, fs.FS(files), nil)
			if all := strings.Join(h.differences, "\n"); all == "" || !strings.Contains(all, test.want) {
				t.Errorf("got %q and %q, want %q among the differences", h.differences, h.left, test.want)
			}
		})
	}
}

// replaced changes the first place that a pattern matches.
func replaced(pattern, with string) func(*testing.T, []byte) []byte {
	find := regexp.MustCompile(pattern)
	return func(_ *testing.T, data []byte) []byte {
		at := find.FindSubmatchIndex(data)
		if at == nil {
			return data
		}
		return slices.Concat(data[:at[0]], find.Expand(nil, []byte(with), data, at), data[at[1]:])
	}
}

// lines changes the lines of a recording.
func lines(change func([]recording.Line) []recording.Line) func(*testing.T, []byte) []byte {
	return func(t *testing.T, data []byte) []byte {
		var all []recording.Line
		if err := recording.Read(bytes.NewReader(data), func(l recording.Line) error { all = append(all, l); return nil }); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		for _, l := range change(all) {
			if err := json.NewEncoder(z).Encode(l); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
}

// streams changes what streams have in answers.
func streams(change func([]byte) []byte) func(*testing.T, []byte) []byte {
	find := regexp.MustCompile(`(<rsp:Stream [^>]*>)([^<]+)(<)`)
	return lines(func(all []recording.Line) []recording.Line {
		for i := range all {
			all[i].Answer = find.ReplaceAllStringFunc(all[i].Answer, func(text string) string {
				part := find.FindStringSubmatch(text)
				data, err := base64.StdEncoding.DecodeString(part[2])
				if err != nil {
					return text
				}
				return part[1] + base64.StdEncoding.EncodeToString(change(data)) + part[3]
			})
		}
		return all
	})
}
