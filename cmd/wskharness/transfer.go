package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wskharness/guest"
	"wskharness/guest/transfer"
	"wskharness/remote"
	"wskharness/report"
	"wskharness/results"
	"wskharness/targets"
	"wskharness/vm"
	"wskharness/workshop"
)

func newVMPush(c *common) *cobra.Command {
	o := &transferOptions{common: c, verb: "push"}
	cmd := &cobra.Command{
		Use:   "push GUEST LOCAL... GUESTPATH",
		Short: "Bring files and folders into a guest",
		Long: `Bring files and folders, with everything in them, into a guest. What is there already with the same
SHA-256 is skipped; what was interrupted goes on where it stopped when the same command is given again.

One LOCAL becomes GUESTPATH. It goes into GUESTPATH, under its own name, when that ends in a slash or
there are several; a single file also when GUESTPATH is a folder in the guest. A folder is merged with
one that is there. LOCAL/. is what is in a folder, without its name. Slashes of both kinds do.

Names that Windows can't have are refused, all at once, before anything is sent. Symbolic links and
special files in a folder are left out, with a warning.`,
		Example: `  wskharness vm push wine wsksample.sys 'C:\drivers\'
  wskharness vm push wine testdata C:/testdata`,
		Args: cobra.MinimumNArgs(3),
		RunE: o.push,
	}
	o.flags(cmd)
	return cmd
}

func newVMPull(c *common) *cobra.Command {
	o := &transferOptions{common: c, verb: "pull"}
	cmd := &cobra.Command{
		Use:   "pull GUEST GUESTPATH LOCAL",
		Short: "Fetch a file or a folder from a guest",
		Long: `Fetch a file, or a folder with everything in it, from a guest. What is here already with the same
SHA-256 is skipped; what was interrupted goes on where it stopped when the same command is given again.

GUESTPATH becomes LOCAL. It goes into LOCAL, under its own name, when that ends in a slash or is "."; a
file also when LOCAL is a folder. A folder is merged with one that is there. Links in the guest are left
out, with a warning. Nothing is written outside of LOCAL, whatever names the guest has.`,
		Example: `  wskharness vm pull wine 'C:\wskharness\runs' runs
  wskharness vm pull lab1 'C:\Windows\MEMORY.DMP' .`,
		Args: cobra.ExactArgs(3),
		RunE: o.pull,
	}
	o.flags(cmd)
	return cmd
}

// transferOptions are the flags of push and pull.
type transferOptions struct {
	*common
	verb  string
	json  bool
	quiet bool
}

func (o *transferOptions) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.json, "json", false, "print what was done as JSON on standard output")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "show no progress, and nothing when all went well")
}

// transferReport is what became of a transfer.
type transferReport struct {
	Path    string   `json:"path"`    // where it is now
	Files   int      `json:"files"`   // that are there now
	Skipped int      `json:"skipped"` // of these, that were there before
	Folders int      `json:"folders"` // as far as they are counted: on a push, the empty ones
	Bytes   int64    `json:"bytes"`   // of all the files
	Moved   int64    `json:"moved"`   // bytes of files that were transferred
	Wire    int64    `json:"wire"`    // bytes of requests and answers, both ways
	Seconds float64  `json:"seconds"`
	LeftOut []string `json:"leftOut,omitempty"` // links and special files
}

func (o *transferOptions) push(cmd *cobra.Command, args []string) error {
	locals, to := args[1:len(args)-1], args[len(args)-1]
	upload, err := targets.NewUpload(locals, to)
	if err != nil {
		return err
	}
	what := filepath.Base(locals[0])
	if n := len(upload.Tree.Files); n != 1 {
		what = fmt.Sprintf("%d files", n)
	}
	return o.transfer(cmd.Context(), args[0], what, func(ctx context.Context, g *guest.Guest, progress func(transfer.Progress)) (transferReport, error) {
		stats, err := upload.Run(ctx, g, progress)
		return transferReport{
			Path: upload.Where(), Files: stats.Files, Skipped: stats.Skipped, Folders: len(upload.Tree.Folders),
			Bytes: stats.Bytes, Moved: stats.Sent, LeftOut: upload.Tree.Skipped,
		}, err
	})
}

func (o *transferOptions) pull(cmd *cobra.Command, args []string) error {
	path, local := args[1], args[2]
	what := path[strings.LastIndexAny(strings.TrimRight(path, `\/`), `\/`)+1:]
	return o.transfer(cmd.Context(), args[0], what, func(ctx context.Context, g *guest.Guest, progress func(transfer.Progress)) (transferReport, error) {
		to, stats, err := targets.Download(ctx, g, path, local, progress)
		return transferReport{
			Path: to, Files: stats.Files, Skipped: stats.Skipped, Folders: stats.Folders,
			Bytes: stats.Bytes, Moved: stats.Fetched, LeftOut: stats.Links,
		}, err
	})
}

// transfer does it with the progress on standard error, and reports on standard output.
func (o *transferOptions) transfer(ctx context.Context, name, what string,
	do func(context.Context, *guest.Guest, func(transfer.Progress)) (transferReport, error)) error {
	view := report.NewTransfer(report.TransferOptions{Err: o.io.err, What: o.verb + " " + what, Quiet: o.quiet, Getenv: o.io.getenv})
	defer view.Close()
	shown := *o.common
	shown.io.err = view // what is logged comes above the progress
	var done transferReport
	var at transfer.Progress
	err := shown.onGuest(ctx, name, func(ctx context.Context, env vm.Host, client *remote.WinRM) error {
		return workshop.WithAgent(ctx, env, client, func(ctx context.Context, g *guest.Guest) error {
			begun, before := time.Now(), client.Stats()
			var err error
			done, err = do(ctx, g, func(p transfer.Progress) {
				at = p
				view.Update(p.Done, p.Total)
			})
			after := client.Stats()
			done.Seconds = time.Since(begun).Seconds()
			done.Wire = after.BytesSent - before.BytesSent + after.BytesReceived - before.BytesReceived
			return err
		})
	})
	view.Close()
	o.warn(done.LeftOut)
	if err != nil {
		return o.explain(ctx, name, err, at)
	}
	switch {
	case o.json:
		return report.JSON(o.io.out, done)
	case !o.quiet:
		_, err = fmt.Fprintln(o.io.out, done.describe())
	}
	return err
}

// warn tells of what was left out, though not of a thousand.
func (o *transferOptions) warn(leftOut []string) {
	const most = 10
	for _, path := range leftOut[:min(most, len(leftOut))] {
		o.io.tell("left out: " + report.Printable(path))
	}
	if len(leftOut) > most {
		o.io.tell(fmt.Sprintf("left out: … and %d more", len(leftOut)-most))
	}
}

// explain adds to an error what to do next.
func (o *transferOptions) explain(ctx context.Context, name string, err error, at transfer.Progress) error {
	const again = "the same command goes on from there"
	switch {
	case ctx.Err() != nil && at.Total == 0:
		return &exitError{results.ExitInterrupted, fmt.Errorf("%s interrupted before anything was moved", o.verb)}
	case ctx.Err() != nil:
		return &exitError{results.ExitInterrupted, fmt.Errorf("%s interrupted at %s of %s; %s", o.verb, report.Bytes(at.Done), report.Bytes(at.Total), again)}
	case guest.MayPass(ctx, err):
		return fmt.Errorf("%w; %s of %s are there, and %s", err, report.Bytes(at.Done), report.Bytes(at.Total), again)
	}
	if refused, ok := errors.AsType[*transfer.Error](err); ok && refused.NoRoom() {
		return fmt.Errorf("the guest %s: %w; make room in the guest, then %s", name, err, again)
	}
	return err
}

// describe is the report in one line.
func (r transferReport) describe() string {
	took := time.Duration(r.Seconds * float64(time.Second))
	what := report.Bytes(r.Bytes)
	if r.Files != 1 || r.Folders > 0 {
		what = count(r.Files, "file") + ", " + what
	}
	if r.Folders > 0 {
		what = count(r.Folders, "folder") + ", " + what
	}
	path := report.Printable(r.Path)
	if r.Files > 0 && r.Skipped == r.Files {
		return fmt.Sprintf("%s: already there (%s)", path, what)
	}
	line := fmt.Sprintf("%s: %s in %s", path, what, report.Duration(took))
	const worth = 1 << 20 // a rate over less says nothing
	if r.Moved >= worth && took > 0 {
		line += ", " + report.Rate(float64(r.Moved)/took.Seconds())
	}
	switch there := r.Bytes - r.Moved; {
	case r.Skipped > 0:
		line += "; " + count(r.Skipped, "file") + " already there"
		if there > 0 {
			line += ", " + report.Bytes(there) + " in all"
		}
	case there > 0:
		line += "; went on from " + report.Bytes(there)
	}
	if r.Moved >= worth {
		line += "; " + report.Bytes(r.Wire) + " on the wire"
	}
	return line
}
