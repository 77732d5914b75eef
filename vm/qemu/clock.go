package qemu

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"wskharness/remote"
)

// A guest that goes on from a snapshot takes the time for that of the snapshot, also where its hardware clock does not: Windows reads
// that when it boots. So its clock is looked at, in the Date of any HTTP answer, for which nobody has to log on; and set by
// a command over WinRM, since QEMU has no way to tell Windows.

const (
	// clockTolerance is how far a guest's clock may be from this machine's. The Date has whole seconds.
	clockTolerance = 3 * time.Second
	// setWindowsClock is the command that sets the clock of Windows: {unix} stands for the seconds since 1970, UTC.
	setWindowsClock = `powershell.exe -NoProfile -NonInteractive -Command "Set-Date ([DateTimeOffset]::FromUnixTimeSeconds({unix}).LocalDateTime) | Out-Null"`
	clockTries      = 3
	clockLimit      = 2 * time.Minute // for all of them
)

// setClock sees that the clock of a guest that goes on from a snapshot is right. command is what sets it; "none" is a guest that
// can't be told.
func setClock(ctx context.Context, e remote.Endpoint, command string) error {
	if command == noClock {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, clockLimit)
	defer cancel()
	wall := newWall(e)
	defer wall.close()
	behind, err := wall.behind(ctx)
	shift := time.Duration(0) // what the command takes until it has set the clock
	for try := 0; err == nil && behind.Abs() > clockTolerance; try++ {
		if try == clockTries {
			return fmt.Errorf("the guest's clock is %s behind, also after it was set %d times: see set_clock of the target", behind.Round(time.Second), clockTries)
		}
		if try > 0 {
			shift += behind
		}
		if err = runOnce(ctx, e, strings.ReplaceAll(command, "{unix}", strconv.FormatInt(time.Now().Add(shift+time.Second/2).Unix(), 10))); err == nil {
			behind, err = wall.behind(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("set the clock of a guest that goes on from a snapshot: %w: say in set_clock how that is done there, or set_clock: none", err)
	}
	return nil
}

// noClock is said of a guest whose clock stays as it is.
const noClock = "none"

// wall reads a guest's clock.
type wall struct {
	url    string
	client *http.Client
}

func newWall(e remote.Endpoint) *wall {
	// Whoever answers is told nothing, and believed no more than that the clock is to be set.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	return &wall{url: e.URL, client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

func (w *wall) close() { w.client.CloseIdleConnections() }

// behind is by how much the guest's clock is behind this machine's.
func (w *wall) behind(ctx context.Context) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodOptions, w.url, http.NoBody)
	if err != nil {
		return 0, err
	}
	asked := time.Now()
	answer, err := w.client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("read the guest's clock: %w", err)
	}
	answer.Body.Close()
	took := time.Since(asked)
	told, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return 0, errors.New("read the guest's clock: its WinRM does not tell the time")
	}
	const half = time.Second / 2 // of the second that it tells is over, on the average
	return asked.Add(took / 2).Sub(told.Add(half)), nil
}

// runOnce runs a command in a guest, in a shell of its own.
func runOnce(ctx context.Context, e remote.Endpoint, line string) error {
	client, err := remote.New(e, remote.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	shell, err := client.Shell(ctx, remote.ShellOptions{})
	if err != nil {
		return err
	}
	defer shell.Close(context.WithoutCancel(ctx))
	r, err := shell.Run(ctx, remote.CommandLine{Line: line}, nil)
	if err != nil {
		return err
	}
	if r.ExitCode != 0 {
		said := strings.TrimSpace(strings.ToValidUTF8(string(append(r.Stdout, r.Stderr...)), "\uFFFD"))
		return fmt.Errorf("%s ended with exit code %d: %q", line, r.ExitCode, said[:min(len(said), maxSaid)])
	}
	return nil
}
