package minimal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"wskharness/driver"
	"wskharness/remote"
)

// Port is the one on which WinRM answers in the guest, over HTTPS.
const Port = 5986

// Address is the guest's own in QEMU's user network, and the one that a host port is forwarded to by default. The guest does not
// ask for one.
const Address = "10.0.2.15"

// MemoryMB is what the guest gets along with.
const MemoryMB = 160

// Guest is what a virtual machine is started from. All files are in a cache and others use them, too: they are not to be
// changed, so that a disk is to be an overlay of Image.
type Guest struct {
	Kernel, Initrd string // for a direct boot
	// Append is the kernel's command line: the console is the first serial port, a panic boots again at once, an NMI is a
	// panic. What is appended to it prevails: panic=0 leaves a machine that has crashed as it is.
	Append string
	Image  string // qcow2: ext4, for the first virtio, NVMe or SCSI disk

	User              string
	Password          remote.Secret // for Basic and NTLM
	CertificateSHA256 string        // of the endpoint's certificate
	CertificateFile   string        // the same as PEM: issued to 127.0.0.1 and localhost by itself
}

// Endpoint is the guest's WinRM as it is reached at host:port.
func (g *Guest) Endpoint(address string) remote.Endpoint {
	return remote.Endpoint{URL: "https://" + address + "/wsman", User: g.User, Password: g.Password, Auth: remote.AuthBasic,
		PinSHA256: g.CertificateSHA256}
}

const commandLine = "console=ttyS0 quiet loglevel=4 panic=-1 unknown_nmi_panic rdinit=/init"

// secrets is what is kept beside the files of a guest: its password is nobody's secret.
type secrets struct{ User, Password, CertificateSHA256 string }

var built = sync.OnceValues(func() (*Guest, error) { return build(context.Background()) })

// Build makes the guest, or finds it in the cache under the content of all that it is made of. The test is skipped where the
// kernel or QEMU is missing.
func Build(t testing.TB) *Guest {
	t.Helper()
	if why := missing(); why != "" {
		t.Skip(why + ": run scripts/deps test")
	}
	guest, err := built()
	if err != nil {
		t.Fatal("build the minimal guest: ", err)
	}
	return guest
}

func build(ctx context.Context) (*Guest, error) {
	cache, err := driver.DefaultCache()
	if err != nil {
		return nil, err
	}
	root := filepath.Join(cache.Dir, cacheRoom)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp(root, ".making-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	kernel, err := findKernel()
	if err != nil {
		return nil, err
	}
	program := filepath.Join(scratch, "init")
	if err := compile(ctx, program); err != nil {
		return nil, err
	}
	key, err := contentOf(append([]string{program, kernel.image}, kernel.modules...))
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "minimal-"+key)
	if guest, err := open(dir, kernel); err == nil {
		now := time.Now()
		return guest, os.Chtimes(dir, now, now) // for forget
	}
	if err := fill(ctx, scratch, program, kernel); err != nil {
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
	forget(root)
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
	return &Guest{
		Kernel: kernel.image, Initrd: filepath.Join(dir, "initrd"), Append: commandLine, Image: filepath.Join(dir, "image.qcow2"),
		User: s.User, Password: remote.Secret(s.Password), CertificateSHA256: s.CertificateSHA256,
		CertificateFile: filepath.Join(dir, "certificate.pem"),
	}, nil
}

// unused is how long a guest is kept that nobody has asked for: its program is another with each change of the endpoint.
const unused = 3 * 24 * time.Hour

// forget removes guests that nobody uses any more, and what was left half made.
func forget(root string) {
	entries, _ := filepath.Glob(filepath.Join(root, "minimal-*"))
	halves, _ := filepath.Glob(filepath.Join(root, ".making-*"))
	for _, entry := range append(entries, halves...) {
		if info, err := os.Stat(entry); err == nil && time.Since(info.ModTime()) > unused {
			os.RemoveAll(entry) // the next one tries again
		}
	}
}

// contentOf is a hash of the content of files, in their order.
func contentOf(files []string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, "layout 1", commandLine) // to be counted up where something else is made of the same files
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
