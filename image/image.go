// Package image makes the base image of a Windows machine out of an installation disc: what a target of the kind qemu or libvirt
// starts from.
//
//	plan, err := image.NewPlan(image.Options{ISO: "Win11_24H2.iso", Edition: "Professional", Out: "images/win11"})
//	if err != nil {
//		return err // all that is wrong, before anything was done
//	}
//	made, err := plan.Run(ctx, image.Watch{Tell: …})
//
// An image is a folder: the disk, UEFI's variables, the administrator's password, the authority that has issued WinRM's
// certificate, image.json, which says all that there is to know of it, and a piece of wskharness.yaml. It gets its name when a
// machine that was started from it has answered over WinRM, with its own certificate, to its own password. Until then it is
// called NAME.making, and whatever ends the making takes that away: the process itself, or the next that makes an image of that
// name.
package image

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"wskharness/image/answer"
	"wskharness/image/disc"
	"wskharness/image/wim"
	"wskharness/remote"
	"wskharness/settings"
	"wskharness/textfile"
)

// Options are what a person says.
type Options struct {
	ISO     string // the installation disc
	Out     string // the folder to make; not there yet
	Edition string // number, name or word of one edition; empty: the disc has only one
	Drivers string // virtio-win.iso; empty: no drivers are added
	BIOS    bool   // else UEFI
	Code    string // UEFI's code and variables; empty: those of the distribution
	Vars    string
	TPM     string        // "auto": where Microsoft asks for one; "yes", "no"
	Accel   string        // "auto": KVM where there is one; "kvm", "tcg"
	KeyFile string        // of a product key; empty: none
	Disk    int64         // bytes
	Memory  int64         // MiB
	CPUs    int           // zero: two, or as many as there are
	Within  time.Duration // how long it may take in all; zero: what is enough with KVM, or without
	QEMU    string        // the program; empty: qemu-system-x86_64
}

// computer is what the machines of an image are called.
const computer = "WSKHARNESS"

// The bounds of what a machine may be given; Windows 11 asks for 64 GB and 4 GiB.
const (
	smallestDisk   = 32 << 30
	largestDisk    = 8 << 40
	smallestMemory = 2048
	largestMemory  = 1 << 20
)

// Plan is what is to be done. Nothing has been done yet.
type Plan struct {
	options  Options
	out      string // absolute
	images   []wim.Image
	image    wim.Image
	release  *release
	source   string // the file on the disc
	drivers  []string
	firmware *firmware // nil: the BIOS
	key      remote.Secret
	tpm, kvm bool
	qemu     string
	within   time.Duration
	// Notes are what a person should know before it begins.
	Notes []string
	// hardware is what the machine has; tests have a guest that knows no SATA.
	hardware hardware
}

// sources are where a disc has its images, the first that is there.
var sources = []string{"sources/install.wim", "sources/install.esd"}

// NewPlan looks at everything that can be looked at. What is wrong is a *settings.UsageError with all of it.
func NewPlan(o Options) (*Plan, error) {
	p := &Plan{options: o, hardware: plainHardware}
	var wrong []error
	complain := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	complain(p.look(o))
	if p.release != nil && o.Drivers != "" {
		complain(p.lookForDrivers(o.Drivers))
	} else if o.Drivers == "" {
		p.note("no disc of drivers was given: of crashes only hv-crash tells, which needs KVM, and QEMU can't write the memory as Windows reads it (--drivers virtio-win.iso)")
	}
	complain(p.chooseOut(o.Out))
	complain(p.chooseMachine(o))
	complain(p.readKey(o.KeyFile))
	if err := errors.Join(wrong...); err != nil {
		return nil, &settings.UsageError{Err: err}
	}
	complain(p.checkAnswers())
	complain(p.checkSpace())
	if err := errors.Join(wrong...); err != nil {
		return nil, &settings.UsageError{Err: err}
	}
	return p, nil
}

func (p *Plan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// Editions are what an installation disc has. What can't be one is a *settings.UsageError.
func Editions(iso string) ([]wim.Image, error) {
	images, _, err := editions(iso)
	if err != nil {
		return nil, &settings.UsageError{Err: err}
	}
	return images, nil
}

// editions are those, and the file that they are in.
func editions(iso string) ([]wim.Image, string, error) {
	d, err := disc.Open(iso)
	if err != nil {
		return nil, "", err
	}
	defer d.Close()
	if !d.Has("sources/boot.wim") {
		return nil, "", fmt.Errorf("%s is no installation disc of Windows: it has no sources/boot.wim (its label is %q)", iso, d.Label)
	}
	for _, name := range sources {
		f, err := d.File(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", iso, err)
		}
		images, err := wim.Images(f)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %s %w", iso, name, err)
		}
		return images, name, nil
	}
	if d.Has("sources/install.swm") {
		return nil, "", fmt.Errorf("%s has its images in parts (sources/install.swm): take the disc as Microsoft has it, or join them: wimlib-imagex join install.wim install*.swm", iso)
	}
	return nil, "", fmt.Errorf("%s has no images to install: neither %s", iso, strings.Join(sources, " nor "))
}

// look finds out what is on the installation disc, and which of it is meant.
func (p *Plan) look(o Options) (err error) {
	if p.options.ISO, err = filepath.Abs(o.ISO); err != nil { // QEMU runs in another folder
		return err
	}
	if p.images, p.source, err = editions(p.options.ISO); err != nil {
		return err
	}
	if p.image, err = choose(p.images, o.Edition); err != nil {
		return fmt.Errorf("%s: %w", o.ISO, err)
	}
	if p.image.Architecture != wim.AMD64 {
		return fmt.Errorf("%s is for %s, and images are made for amd64 (x64): take the disc for x64", o.ISO, p.image.Architecture)
	}
	if p.release, err = releaseOf(p.image); err != nil {
		return fmt.Errorf("%s: %w", o.ISO, err)
	}
	if p.image.Build > newest {
		p.note("build %d is newer than all that is known here: it is treated as %s", p.image.Build, p.release.name)
	}
	if p.image.Evaluation() {
		p.note("%q is an evaluation edition: it needs no key, and turns itself off every hour once its time (90 or 180 days) is over", p.image.Name)
	}
	return nil
}

func (p *Plan) lookForDrivers(iso string) error {
	var err error
	if p.options.Drivers, err = filepath.Abs(iso); err != nil {
		return err
	}
	d, err := disc.Open(p.options.Drivers)
	if err != nil {
		return err
	}
	defer d.Close()
	found, missing, err := findDrivers(d, p.release)
	if err != nil {
		return fmt.Errorf("%s %w", iso, err)
	}
	if p.drivers = found; len(missing) > 0 {
		p.note("%s has nothing for %s of: %s", iso, p.release.name, strings.Join(missing, ", "))
	}
	return nil
}

// chooseOut refuses a place where something is.
func (p *Plan) chooseOut(out string) error {
	var err error
	if p.out, err = filepath.Abs(out); err != nil {
		return err
	}
	switch _, err = os.Lstat(p.out); {
	case err == nil:
		return fmt.Errorf("%s is there already, and is not touched: name another folder, or remove it", out)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent, err := os.Stat(filepath.Dir(p.out))
	if err == nil && !parent.IsDir() {
		err = fmt.Errorf("%s is no folder", filepath.Dir(p.out))
	}
	return err
}

// chooseMachine decides what Windows is installed on, and finds the programs for it.
func (p *Plan) chooseMachine(o Options) error {
	var wrong []error
	program := func(name, pkg, purpose string) string {
		found, err := exec.LookPath(name)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s, which %s, is not here: install it (Debian: apt install %s)", name, purpose, pkg))
		}
		return found
	}
	p.qemu = program(cmp.Or(o.QEMU, "qemu-system-x86_64"), "qemu-system-x86", "runs the machine")
	program("qemu-img", "qemu-utils", "makes its disk")
	if !o.BIOS {
		var err error
		if p.firmware, err = findFirmware(o.Code, o.Vars); err != nil {
			wrong = append(wrong, err)
		}
	} else if o.Code != "" || o.Vars != "" {
		wrong = append(wrong, errors.New("the files of a UEFI were named for a machine with a BIOS: leave out either"))
	}
	if p.tpm = o.TPM == "yes" || o.TPM == "auto" && p.release != nil && p.release.tpm; p.tpm {
		if _, err := exec.LookPath("swtpm"); err != nil {
			wrong = append(wrong, fmt.Errorf("swtpm, which is the machine's TPM, is not here: install it (Debian: apt install swtpm), or do without a TPM, "+
				"which Windows itself takes when it is installed in this way: --tpm no"))
		}
	}
	if o.BIOS && p.release != nil && p.release.tpm {
		p.note("Microsoft supports %s with UEFI alone; it starts with a BIOS, too, as far as is known", p.release.name)
	}
	if err := p.chooseAccel(o.Accel); err != nil {
		wrong = append(wrong, err)
	}
	within := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	within(o.Disk >= smallestDisk && o.Disk <= largestDisk, "a disk of %d GiB: Windows needs 32, and more than 8192 is a mistake", o.Disk>>30)
	within(o.Memory >= smallestMemory && o.Memory <= largestMemory, "a memory of %d MiB: Windows needs 2048, and more than %d is a mistake", o.Memory, largestMemory)
	within(o.CPUs >= 0 && o.CPUs <= 64, "%d processors: it can be given 1 to 64", o.CPUs)
	if p.options.CPUs = o.CPUs; o.CPUs == 0 {
		p.options.CPUs = min(4, max(2, runtime.NumCPU()))
	}
	return errors.Join(wrong...)
}

// How long it may take: half an hour is usual with KVM. Without it figures from the field are some four to ten hours.
const (
	withinKVM = 3 * time.Hour
	withinTCG = 24 * time.Hour
)

func (p *Plan) chooseAccel(accel string) error {
	why := kvmMissing()
	switch {
	case accel == "kvm" && why != nil:
		return fmt.Errorf("KVM can't be used: %w", why)
	case accel == "tcg":
		p.note("the machine's processor is emulated, as you said: that takes hours (expect 4 to 10)")
	case why != nil:
		p.note("there is no KVM here (%v), so that the machine's processor is emulated: that takes hours (expect 4 to 10)", why)
	default:
		p.kvm = true
	}
	p.within = p.options.Within
	if p.within == 0 {
		if p.within = withinTCG; p.kvm {
			p.within = withinKVM
		}
	}
	return nil
}

func (p *Plan) readKey(path string) error {
	if path == "" {
		return nil
	}
	data, _, err := textfile.Read(path, 4096)
	if err != nil {
		return fmt.Errorf("read the product key: %w", err)
	}
	text, err := textfile.Decode(data)
	if err != nil {
		return fmt.Errorf("read the product key: %s %w", path, err)
	}
	p.key = remote.Secret(strings.ToUpper(strings.TrimSpace(text)))
	if p.image.Evaluation() {
		return fmt.Errorf("%q is an evaluation edition, which takes no product key: leave it out", p.image.Name)
	}
	return nil
}

// answers are what the answer disc says, with an identity of this installation.
func (p *Plan) answers(id *identity) answer.Answers {
	return answer.Answers{
		Language: p.image.Language, Source: p.source, Index: p.image.Index, UEFI: p.firmware != nil, Server: p.release.server,
		ComputerName: computer, Password: id.password, Key: p.key, Drivers: slices.Clone(p.drivers),
		PFX: id.pfx, PFXPassword: id.pfxPassword, CA: id.authority,
	}
}

func (p *Plan) checkAnswers() error {
	return p.answers(&identity{password: "checked"}).Check()
}

// Describe says what is to be done, for a person.
func (p *Plan) Describe() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("image", "%s", p.out)
	row("windows", "%s: %q, edition %d of %s (%s, build %d.%d, %s)", p.release.name, p.image.Name, p.image.Index, p.options.ISO, p.image.Edition, p.image.Build, p.image.Revision, p.image.Language)
	if p.firmware != nil {
		row("firmware", "UEFI without Secure Boot: %s, %s", p.firmware.code, p.firmware.vars)
	} else {
		row("firmware", "BIOS")
	}
	accel, tpm := "emulated", "no TPM"
	if p.kvm {
		accel = "KVM"
	}
	if p.tpm {
		tpm = "a TPM"
	}
	row("machine", "%d processors (%s), %d MiB of memory, a disk of %d GiB, %s", p.options.CPUs, accel, p.options.Memory, p.options.Disk>>30, tpm)
	for _, one := range p.drivers {
		row("driver", "%s", one)
	}
	row("account", "%s, with a generated password", answer.User)
	row("limit", "%s", p.within)
	for _, note := range p.Notes {
		row("note", "%s", note)
	}
	row("runs", "%s %s", p.qemu, strings.Join(p.arguments(), " "))
	return b.String()
}

// Files are what the answer disc will have, without its secrets: for people to read.
func (p *Plan) Files() (map[string][]byte, error) {
	files, err := p.answers(&identity{password: "a-generated-password", pfxPassword: "a-generated-password"}).Files()
	for name := range files {
		if strings.HasSuffix(name, ".pfx") || strings.HasSuffix(name, ".cer") {
			files[name] = []byte("(made for each image)\r\n")
		}
	}
	return files, err
}

// spare is room that an installation takes beside the image's own files: page file, updates' store, the log.
const spare = 6 << 30

// checkSpace refuses to begin what can't be finished.
func (p *Plan) checkSpace() error {
	free, err := freeSpace(filepath.Dir(p.out))
	if err != nil {
		return err
	}
	if need := p.image.Bytes + spare; free < need {
		return fmt.Errorf("%s has room for %.1f GB, and the image takes some %.1f: make room, or name another folder", filepath.Dir(p.out), float64(free)/1e9, float64(need)/1e9)
	}
	return nil
}
