package bootable

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"wskharness/child"
	"wskharness/vm/vmtest/bootable/early"
)

// user is whom the guests' endpoints know.
const user = "wskharness"

// fill fills a folder with all that the guest is.
func (r *Recipe) fill(ctx context.Context, dir, program string, kernel *kernel) error {
	password := rand.Text()
	certificate, err := newCertificate()
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	config, err := json.Marshal(early.Config{User: user, Password: password, Certificate: string(certificate.pem), Key: string(certificate.key)})
	if err != nil {
		return err
	}
	if err := writeInitrd(filepath.Join(dir, "initrd"), program, kernel.modules, config); err != nil {
		return fmt.Errorf("make the initrd: %w", err)
	}
	if err := r.image(ctx, dir); err != nil {
		return fmt.Errorf("make the disk: %w", err)
	}
	told, err := json.Marshal(secrets{User: user, CertificateSHA256: certificate.sha256})
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name string
		text []byte
		mode os.FileMode
	}{
		{"certificate.pem", certificate.pem, 0o644},
		{"password", []byte(password), 0o600},
		{"guest.json", told, 0o644},
	} {
		if err := os.WriteFile(filepath.Join(dir, file.name), file.text, file.mode); err != nil {
			return err
		}
	}
	return nil
}

// compile builds the guest's program: static, for the kernel that it is for, whatever machine this is.
func compile(ctx context.Context, program, to string) error {
	var builders []string
	for _, name := range []string{"GOCACHE", "GOENV", "GOMODCACHE", "GOPATH", "GOPROXY", "GOROOT", "GOSUMDB", "GOTOOLCHAIN"} {
		if _, set := os.LookupEnv(name); set {
			builders = append(builders, name)
		}
	}
	env, err := child.Environment{Also: builders}.List()
	if err != nil {
		return err
	}
	env = append(env, "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	return run(child.Command(ctx, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", to, program))
}

// image makes the guest's disk.
func (r *Recipe) image(ctx context.Context, dir string) error {
	raw, root := filepath.Join(dir, "image.raw"), filepath.Join(dir, "root")
	image := filepath.Join(dir, "image.qcow2")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	size, err := r.Disk(ctx, root)
	if err != nil {
		return err
	}
	env, err := child.Environment{}.List()
	if err != nil {
		return err
	}
	if err := run(child.Command(ctx, env, mke2fs(), "-q", "-t", "ext4", "-F", "-L", r.Name, "-E", "root_owner=0:0,lazy_itable_init=1",
		"-d", root, raw, strconv.FormatInt(size>>10, 10)+"k")); err != nil {
		return err
	}
	if err := run(child.Command(ctx, env, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image)); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	if err := os.Remove(raw); err != nil {
		return err
	}
	return os.Chmod(image, 0o444)
}

func run(cmd *exec.Cmd) error {
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, bytes.TrimSpace(said))
	}
	return nil
}
