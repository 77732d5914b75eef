package bootable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"wskharness/driver"
	"wskharness/remote"
)

// Port is the one on which WinRM answers in a guest, over HTTPS.
const Port = 5986

// Address is a guest's own in QEMU's user network, and the one that a host port is forwarded to by default. No guest asks for
// one.
const Address = "10.0.2.15"

// Guest is what a virtual machine is started from. All files are in a cache and others use them, too: they are not to be
// changed, so that a disk is to be an overlay of Image.
type Guest struct {
	Kernel, Initrd string // for a direct boot
	// Append is the kernel's command line: the console is the first serial port, a panic boots again at once, an NMI is a
	// panic. What is appended to it prevails: panic=0 leaves a machine that has crashed as it is.
	Append string
	Image  string // qcow2, for the first virtio, NVMe or SCSI disk

	User              string
	Password          remote.Secret // for Basic and NTLM
	PasswordFile      string
	CertificateSHA256 string // of the endpoint's certificate
	CertificateFile   string // the same as PEM: issued to 127.0.0.1 and localhost by itself
}

// Endpoint is the guest's WinRM as it is reached at host:port.
func (g *Guest) Endpoint(address string) remote.Endpoint {
	return remote.Endpoint{URL: "https://" + address + "/wsman", User: g.User, Password: g.Password, Auth: remote.AuthBasic,
		PinSHA256: g.CertificateSHA256}
}

const commandLine = "console=ttyS0 quiet loglevel=4 panic=-1 unknown_nmi_panic rdinit=/init"

// Recipe is what a guest is made of.
type Recipe struct {
	Name    string // of the guest, for its folder in the cache
	Program string // the import path of the guest's program: its configuration is early.Config
	// Content is a word for all that Disk makes the disk of; it is made anew when that is another.
	Content string
	// Disk puts what is to be on the disk into an empty folder, and says how large the disk is to be, in bytes.
	Disk func(ctx context.Context, root string) (size int64, err error)
}

// secrets is what is kept beside the files of a guest: its password is nobody's secret.
type secrets struct{ User, CertificateSHA256 string }

// Make makes a guest, or finds it in the cache.
func Make(ctx context.Context, r Recipe) (*Guest, error) {
	room, err := room()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(room, 0o755); err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp(room, making)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	kernel, err := findKernel()
	if err != nil {
		return nil, err
	}
	program := filepath.Join(scratch, "init")
	if err := compile(ctx, r.Program, program); err != nil {
		return nil, err
	}
	key, err := contentOf(r.Content, append([]string{program, kernel.image}, kernel.modules...))
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(room, r.Name+"-"+key)
	if guest, err := open(dir, kernel); err == nil {
		now := time.Now()
		return guest, os.Chtimes(dir, now, now) // for forget
	}
	if err := r.fill(ctx, scratch, program, kernel); err != nil {
		return nil, err
	}
	if err := os.Remove(program); err != nil {
		return nil, err
	}
	if err := os.Chmod(scratch, 0o755); err != nil {
		return nil, err
	}
	if err := os.Rename(scratch, dir); err != nil { // somebody else may have been first: the same, but for the password
		if guest, openErr := open(dir, kernel); openErr == nil {
			return guest, nil
		}
		return nil, err
	}
	forget(room, r.Name)
	return open(dir, kernel)
}

// open finds a guest that was made.
func open(dir string, kernel *kernel) (*Guest, error) {
	text, err := os.ReadFile(filepath.Join(dir, "guest.json"))
	if err != nil {
		return nil, err
	}
	var s secrets
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	g := &Guest{
		Kernel: kernel.image, Initrd: filepath.Join(dir, "initrd"), Append: commandLine, Image: filepath.Join(dir, "image.qcow2"),
		User: s.User, PasswordFile: filepath.Join(dir, "password"), CertificateSHA256: s.CertificateSHA256,
		CertificateFile: filepath.Join(dir, "certificate.pem"),
	}
	password, err := os.ReadFile(g.PasswordFile)
	if err != nil {
		return nil, err
	}
	g.Password = remote.Secret(password)
	return g, nil
}

// making begins the names of folders of guests that are not whole yet.
const making = ".making-"

// unused is how long a guest is kept that nobody has asked for: its program is another with each change of the endpoint.
const unused = 3 * 24 * time.Hour

// forget removes guests that nobody uses any more, and what was left half made.
func forget(room, name string) {
	entries, _ := filepath.Glob(filepath.Join(room, name+"-*"))
	halves, _ := filepath.Glob(filepath.Join(room, making+"*"))
	for _, entry := range append(entries, halves...) {
		if info, err := os.Stat(entry); err == nil && time.Since(info.ModTime()) > unused {
			os.RemoveAll(entry) // the next one tries again
		}
	}
}

// contentOf is a hash of the content of files, in their order.
func contentOf(content string, files []string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, "layout 2", commandLine, content) // to be counted up where something else is made of the same files
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(sum, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// room is where guests are kept, beside the kernel.
func room() (string, error) {
	cache, err := driver.DefaultCache()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache.Dir, "test-vm"), nil
}
