package vm

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/driver"
	"wskharness/remote"
	"wskharness/settings"
)

// Kind is one kind of machine, and all that the rest of the house knows of it. Package kinds lists those that there are;
// a nil function is something that the kind has nothing of.
type Kind struct {
	Name string // what a target says for its provider
	// Absent is nil, or says why this system can have no machine of this kind, and what to use instead. A configuration may
	// have such a target all the same: it is for people on other systems, too.
	Absent error
	// Form makes a form for one target to fill in.
	Form func() Form
	// Checks look for what the kind needs on this machine: needed where a target is of this kind, and else only worth knowing.
	Checks func(ctx context.Context, needed bool) []Check
	// Roles are what this program is when the kind calls it again: see Host.Program.
	Roles []Role

	// List returns the guests of this kind that are up, oldest first. A kind that has it has machines that are a Keeper.
	List func(ctx context.Context, h Host) ([]Guest, error)
	// Sweep ends and removes what is left of guests whose controller, or whose processes, were killed. It says what that was,
	// a line each: a folder, "domain win11 on qemu://lab2/system".
	Sweep func(ctx context.Context, h Host) ([]string, error)
	// Kept finds what the kind keeps in the cache folder, and can make again.
	Kept func(cache string) ([]Kept, error)
}

// Form is what a target may say of a machine of one kind, beside its provider.
type Form struct {
	Keys settings.Table
	// Define makes a definition of what was read. It reports, at their places, mistakes that no key can tell by itself; of
	// a form with mistakes nobody uses the definition.
	Define func(r *settings.Reader, given settings.Given) Definition
}

// Definition is a machine as a target defines it, before anything is started.
type Definition struct {
	Description string // what a dry run says of it
	Guest       string // the word for its guest before that was asked; may be empty
	// Check is nil, or says what is wrong with the files that the target names.
	Check func() error
	// Builds is what has to be compiled before Provider is called, by names of the kind's own.
	Builds map[string]driver.Spec
	// Provider makes what gives the machine. It starts nothing, and connects to nothing; an error is a *settings.UsageError
	// where somebody has to change something in the configuration or the environment.
	Provider func(h Host) (Provider, error)
	// Shared names the machine, in whichever configuration, so that no two runs use it at a time; empty where every run
	// gets one of its own.
	Shared string
	// MemoryDump says that the machine's memory is to be kept when it crashes or hangs, where it is a MemoryDumper.
	MemoryDump bool
	// BootWithin is how long the machine may take to boot; zero: it is there within seconds.
	BootWithin time.Duration
	// Endpoint is nil, or resolves where the machine answers that is always there. The provider of such a machine is an
	// Adopter, which gives it without asking anything of it: it may be off, or dead.
	Endpoint func(getenv func(string) string) (remote.Endpoint, error)
	Secrets  Secrets
	Stack    Stack
}

// Secrets are what a target knows that nobody is to be told.
type Secrets struct {
	Variables []string // environment variables that have one: no program gets them
	// Values is nil, or reads the secrets, as far as that can be done.
	Values func(getenv func(string) string) []remote.Secret
}

// With adds the secrets of something else that the target has to know. Both have Values.
func (s Secrets) With(more Secrets) Secrets {
	return Secrets{Variables: slices.Concat(s.Variables, more.Variables), Values: func(getenv func(string) string) []remote.Secret {
		return slices.Concat(s.Values(getenv), more.Values(getenv))
	}}
}

// Stack is what stands for Windows' netio.sys on a machine. The zero value is one of which the guest itself tells all.
type Stack struct {
	Word         string // for the record
	Label        string // for readers of a verdict: a pass on it may be none on Windows; may be empty
	Issues       string // the word by which known issues call such a guest; empty: the guest's own
	Documented   bool   // it is held to the documentation: what it lacks is a verdict on it
	Controllable bool   // cases can control it (driver/include/wskcontrol.h)
}

// Host is what is needed of the machine that the controller is on.
type Host struct {
	Kinds   []Kind // of machines, that there are
	Logger  hclog.Logger
	Cache   string   // folder for builds, templates and guests
	Program []string // calls this program, when the name of a role is appended, and its arguments: see Play
	Getenv  func(string) string
	// Tell is nil, or is told of what takes long and is done once, or whenever the driver was changed, before it is. A run
	// tells it to its own view.
	Tell func(text string)

	// What a provider gets beside that:
	Built map[string]string // the paths of what Definition.Builds asked for
	Seed  map[string]string // guest path → host file: what every guest needs, and is best there from the start
	// Never are environment variables that no program gets: they have passwords, of whichever target.
	Never    []string
	Redactor *remote.Redactor // knows the secrets of all targets
}

// Role is what this program can be called to be, by a command that is nobody's but its kind's.
type Role struct {
	Name string // of the command: one word, no other command's
	// Run plays it, with the arguments behind its name, of which there is one at least.
	Run func(ctx context.Context, args []string, logger hclog.Logger) error
}

// Play plays the role that a program was called for with these arguments; played is false where they name none.
func Play(ctx context.Context, kinds []Kind, args []string, logger hclog.Logger) (played bool, err error) {
	for _, kind := range kinds {
		for _, role := range kind.Roles {
			if len(args) > 1 && args[0] == role.Name {
				return true, role.Run(ctx, args[1:], logger)
			}
		}
	}
	return false, nil
}

// Guest is a guest that is up, and that a person can name. As JSON it is its GuestInfo, with whatever its kind adds. What else
// it can do is found by type assertion, as of a Machine: Resetter, NMIInjector, Console, ConsoleFollower, MemoryDumper.
type Guest interface {
	Info() *GuestInfo
	// RemoteEndpoint is where the guest's WinRM answers, with its password and its certificate.
	RemoteEndpoint() (remote.Endpoint, error)
	// Revert brings the guest back to its clean state, whoever has it, and says how long it took to be ready.
	Revert(ctx context.Context) (ready time.Duration, err error)
	// Down ends the guest, whoever has it, and returns when nothing of it is left.
	Down(ctx context.Context) error
}

// GuestInfo is what every guest has that is up. Its password is in a file that only its user can read, or wherever its target
// says.
type GuestInfo struct {
	ID              string        `json:"id"`
	Target          string        `json:"target"`
	Run             string        `json:"run,omitempty"` // that it was made for, or that has used it last; empty: brought up by hand
	Started         time.Time     `json:"started"`
	Endpoint        string        `json:"endpoint"` // WinRM: https://127.0.0.1:port/wsman
	User            string        `json:"user"`
	PasswordFile    string        `json:"passwordFile,omitempty"`
	CertificateFile string        `json:"certificateFile,omitempty"` // PEM
	CertificateSHA  string        `json:"certificateSha256,omitempty"`
	Kept            bool          `json:"kept"`              // else it is a run's, and goes down with it
	Ready           time.Duration `json:"readyNs,omitempty"` // from nothing to ready for a driver, where it was just brought up
}

// Info makes whatever embeds a GuestInfo tell of it.
func (g *GuestInfo) Info() *GuestInfo { return g }

// Kept is things of one sort in a cache, or one guest.
type Kept struct {
	What    string   // "Wine templates", "Wine guest wine-x7w"
	Dir     string   // where they are
	Entries []string // their paths; nil: Dir itself, of a guest
	Guest   string   // id of a guest that is up, and stays
	Needs   []string // files and folders that the guest is made of anew when it is reverted
	Remove  func(entries []string) error
}

// Check is one thing that this machine has or lacks.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Needed bool   `json:"needed"` // by the configured targets; else it is only worth knowing
	Detail string `json:"detail"` // what was found, or why it is needed
	Fix    string `json:"fix,omitempty"`
}
