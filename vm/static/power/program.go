package power

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"wskharness/child"
	"wskharness/remote"
)

// Program is a program of the user's, on this machine.
type Program struct {
	Words       []string          // what it is called, and its arguments
	Environment child.Environment // what it gets of this process's environment
	// Redactor knows what is in no message. That the program's arguments are not, and what is passed to it by name, need
	// not be said.
	Redactor *remote.Redactor
	Logger   hclog.Logger // nil is silent
	Install  string       // how to come to it, where it is not there; may be empty

	files  []*os.File // what it gets open, from descriptor 3 on
	public bool       // its arguments are no secrets
}

// maxSaid is how much of what a program says is kept, in bytes.
const maxSaid = 2000

// Check says why the program can't be started, nil where it can, as far as that can be seen.
func (p *Program) Check() error {
	if _, err := exec.LookPath(p.Words[0]); err != nil && !errors.Is(err, exec.ErrDot) {
		advice := cmp.Or(p.Install, runnable)
		return fmt.Errorf("%s can't be started: %w: %s", p.Words[0], unwrapped(err), advice)
	}
	return nil
}

// unwrapped is an error of a search without the name, which whoever wraps it has told.
func unwrapped(err error) error {
	if wrapped, ok := errors.AsType[*exec.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// Run runs the program. Its arguments may be as secret as a password, and are told nobody: what it is called is enough to find
// them. When ctx ends it is killed, with whatever it has started.
func (p *Program) Run(ctx context.Context) error {
	_, _, err := p.run(ctx)
	return err
}

// run returns the end of what the program wrote to its standard output, and the end of all that it wrote, of which only that is for
// others to see.
func (p *Program) run(ctx context.Context) (output, shown string, err error) {
	name := filepath.Base(p.Words[0])
	if err := ctx.Err(); err != nil {
		return "", "", fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
	if err := p.Check(); err != nil {
		return "", "", err
	}
	env, err := p.Environment.List()
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", name, err)
	}
	cmd := child.Command(ctx, env, p.Words[0], p.Words[1:]...)
	cmd.ExtraFiles = p.files
	said, all := &child.Tail{Most: maxSaid}, &child.Tail{Most: maxSaid}
	redactor := p.redactor()
	out, errs := redactor.Writer(all), redactor.Writer(all)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(said, out), errs
	held, err := child.Run(ctx, cmd)
	if err := errors.Join(err, out.Close(), errs.Close()); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("it was ended (%w): %w", err, cause)
		}
		if text := all.String(); text != "" {
			return "", "", fmt.Errorf("%s: %w: it said: %s", name, err, text)
		}
		return "", "", fmt.Errorf("%s: %w", name, err)
	}
	if held.Still && p.Logger != nil { // a daemon of the tool's, which is its user's
		p.Logger.Warn("a program of the target's has ended", "program", name, "but", held.String())
	}
	return said.String(), all.String(), nil
}

// redactor takes out of what the program says also what it was given: its arguments, and the variables that it gets
// because somebody named them.
func (p *Program) redactor() *remote.Redactor {
	var given []remote.Secret
	if !p.public {
		for _, argument := range p.Words[1:] {
			given = append(given, remote.Secret(argument))
		}
	}
	for _, name := range p.Environment.Also {
		given = append(given, remote.Secret(os.Getenv(name)))
	}
	return p.Redactor.With(given...)
}
