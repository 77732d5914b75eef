//go:build unix

package powershell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/child"
)

// local is PowerShell on this machine, played by a shell script.
func local(t *testing.T, script string) *near {
	t.Helper()
	path := filepath.Join(t.TempDir(), program)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return &near{environment: child.Environment{Never: []string{"LC_PASSWORD"}}, program: path}
}

func TestLocal(t *testing.T) {
	t.Setenv("LC_PASSWORD", "canary")
	const answers = `
while read -r line; do mark=$line; done
mark=$(printf %s "$mark" | tr -d '\r')
printf '\r\n%s begins\r\n' "$mark"
printf '{"answer":{"args":"%s","secret":"%s"}}' "$*" "$LC_PASSWORD" | base64
printf '%s ends\r\n' "$mark"
`
	var answer struct{ Args, Secret string }
	if err := Run(t.Context(), local(t, answers), Script{Name: "look"}, nil, &answer); err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(arguments(), " "); answer.Args != want || answer.Secret != "" {
		t.Errorf("got %+v, want the arguments %q and no secret", answer, want)
	}
	err := Run(t.Context(), local(t, "cat >/dev/null; echo no such module >&2; exit 4"), Script{Name: "look"}, nil, nil)
	if got, ok := errors.AsType[*NoAnswerError](err); !ok || got.ExitCode != 4 || !strings.Contains(err.Error(), "no such module") {
		t.Errorf("got %v, want a NoAnswerError with exit code 4", err)
	}
	err = Run(t.Context(), &near{program: filepath.Join(t.TempDir(), program)}, Script{Name: "look"}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "this machine has no powershell.exe") {
		t.Errorf("without the program: got %v", err)
	}
	err = Run(t.Context(), local(t, "cat >/dev/null; head -c 20000000 /dev/zero"), Script{Name: "look"}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "more than 16777216 bytes") {
		t.Errorf("with too much output: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, local(t, "sleep 600"), Script{Name: "look"}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want context.Canceled", err)
	}
}

func TestCommandLineFitsIntoCmd(t *testing.T) {
	if line := strings.Join(arguments(), " "); len(line) > 2000 {
		t.Errorf("a command line of %d characters", len(line))
	}
}

func FuzzRead(f *testing.F) {
	const mark = "wskharness-x"
	for _, seed := range []string{
		"", mark, mark + " begins\r\n", mark + " begins\r\ne30=\r\n" + mark + " ends", mark + " begins e30= " + mark + " ends",
		mark + " begins\neyJlcnJvciI6eyJpZCI6IngiLCJleGNlcHRpb25zIjp7Im1lc3NhZ2UiOiJ5In19fQ==\n" + mark + " ends",
		"#< CLIXML\r\n<Objs><S S=\"Error\">a_x000D__x000A_</S><S S=\"Error\">b</S>",
	} {
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, stdout, stderr []byte) {
		var answer struct{ Names List[string] }
		err := read(Output{Stdout: stdout, Stderr: stderr}, mark, "look", "hv1", &answer)
		if err != nil && len(err.Error()) > 3*maxMessage+len(fmt.Sprint(err))/2 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
		for _, r := range fmt.Sprint(err) {
			if r < ' ' {
				t.Fatalf("the error has the character %q: %q", r, err)
			}
		}
	})
}
