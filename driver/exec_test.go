package driver

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// starters are the ways in which this package starts the programs of others: each runs a script to its end.
var starters = map[string]func(ctx context.Context, script string) (string, error){
	"command": func(ctx context.Context, script string) (string, error) {
		return Command{Dir: ".", Args: []string{"sh", "-c", script}, Limit: time.Hour}.Run(ctx)
	},
	"tool": func(ctx context.Context, script string) (string, error) {
		out, err := runTool(ctx, ".", "sh", "-c", script)
		return string(out), err
	},
}

// What a program starts in the background ends with it, also what has its output open: as the daemon of a compiler
// cache may. How the program itself ended, and what it wrote, is what counts.
func TestNothingIsLeftRunning(t *testing.T) {
	for name, start := range starters {
		for _, output := range []string{">/dev/null 2>&1", ""} {
			for _, exit := range []string{"0", "3"} {
				t.Run(name+output+exit, func(t *testing.T) {
					t.Parallel()
					pid := filepath.Join(t.TempDir(), "pid")
					out, err := start(t.Context(), "sleep 600 "+output+" & echo $! >'"+pid+"'; echo said; exit "+exit)
					if (err == nil) != (exit == "0") || err == nil && out != "said\n" {
						t.Errorf("%q, %v", out, err)
					}
					number, err := os.ReadFile(pid)
					if err != nil {
						t.Fatal(err)
					}
					awaitGone(t, string(number))
				})
			}
		}
	}
}
