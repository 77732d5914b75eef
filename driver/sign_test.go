package driver

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sassoftware/relic/v7/lib/authenticode"
)

// A key takes a second of processor time: two certificates are made for all tests, and each test has copies.
var oneSigner, otherSigner = sync.OnceValues(makeSigner), sync.OnceValues(makeSigner)

func makeSigner() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "wskharness-signer-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	signer, err := LoadOrCreateSigner(filepath.Join(dir, "signing"), time.Now())
	if err != nil {
		return nil, err
	}
	return os.ReadFile(signer.Path)
}

func newSigner(t testing.TB) *Signer { return signerWith(t, oneSigner) }

// anotherSigner has another certificate than newSigner.
func anotherSigner(t testing.TB) *Signer { return signerWith(t, otherSigner) }

func signerWith(t testing.TB, made func() ([]byte, error)) *Signer {
	t.Helper()
	dir := t.TempDir()
	content, err := made()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, signerFile), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := LoadOrCreateSigner(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// unsignedTiny is built once for all tests.
var unsignedTiny = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "wskharness-driver-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	tc, err := FindToolchain(context.Background())
	if err != nil {
		return nil, err
	}
	artifact, err := Build(context.Background(), tc, tinySpec(tinySources()), Cache{Dir: dir})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(artifact.Path)
})

// signedTiny is a real driver, built and signed, as bytes for a test to spoil.
func signedTiny(t testing.TB, signer *Signer) []byte {
	t.Helper()
	toolchain(t)
	image, err := unsignedTiny()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tiny.sys")
	if err := os.WriteFile(path, image, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Sign(t.Context(), path, signer); err != nil {
		t.Fatal(err)
	}
	return readFile(t, path)
}

// osslsigncode is the judge of signatures that shares no code with what makes them.
func osslsigncode(t *testing.T) func(image []byte, signer *Signer) (string, error) {
	t.Helper()
	tool, err := exec.LookPath("osslsigncode")
	if err != nil {
		t.Skip("osslsigncode is not installed (apt-get install osslsigncode): nobody else to judge the signature")
	}
	return func(image []byte, signer *Signer) (string, error) {
		dir := t.TempDir()
		path, roots := filepath.Join(dir, "image.sys"), filepath.Join(dir, "roots.pem")
		root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signer.Certificate.Raw})
		for name, data := range map[string][]byte{path: image, roots: root} {
			if err := os.WriteFile(name, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), tool, "verify", "-CAfile", roots, "-in", path).CombinedOutput()
		return string(out), err
	}
}

func TestSignatureIsAcceptedByOthers(t *testing.T) {
	verify := osslsigncode(t)
	signer := newSigner(t)
	image := signedTiny(t, signer)
	out, err := verify(image, signer)
	if err != nil {
		t.Fatalf("osslsigncode verify: %v\n%s", err, out)
	}
	for _, want := range []string{"Signature verification: ok", "Message digest algorithm  : SHA256"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	inspected, err := Inspect(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	// The same checksum and digest, computed by somebody else.
	for _, want := range []string{
		fmt.Sprintf("PE checksum   : %08X\n", uint64(inspected.Checksum.Computed)),
		strings.ToUpper(inspected.Signature.Computed),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}

	if strings.Contains(out, "MISMATCH") {
		t.Errorf("something does not match:\n%s", out)
	}

	other := anotherSigner(t)
	if out, err := verify(image, other); err == nil {
		t.Errorf("accepted with somebody else's certificate as the only root:\n%s", out)
	}
	spoilt := bytes.Clone(image)
	spoilt[locate(t, spoilt).section(".text").offset] ^= 1
	if out, err := verify(spoilt, signer); err == nil {
		t.Errorf("accepted though one bit of the code differs:\n%s", out)
	}
}

// The part of others that signs, and the digest that Inspect computes by itself, have to agree.
func TestSignatureIsAcceptedByTheLibraryThatMadeIt(t *testing.T) {
	image := signedTiny(t, newSigner(t))
	signatures, err := authenticode.VerifyPE(bytes.NewReader(image), false)
	if err != nil || len(signatures) != 1 {
		t.Errorf("%d signatures, %v", len(signatures), err)
	}
}

func TestSigningAgainReplacesTheSignature(t *testing.T) {
	first, second := newSigner(t), anotherSigner(t)
	path := filepath.Join(t.TempDir(), "tiny.sys")
	once := signedTiny(t, first)
	if err := os.WriteFile(path, once, 0o640); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		signer *Signer
		same   bool
	}{{first, true}, {second, false}, {first, true}} {
		if err := Sign(t.Context(), path, step.signer); err != nil {
			t.Fatal(err)
		}
		image, err := InspectFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := image.Signature.Thumbprint, step.signer.Thumbprint(); got != want {
			t.Errorf("signed by %s, want %s", got, want)
		}
		if !image.Signature.Verified || !image.Signature.Matches() {
			t.Errorf("not valid: %+v", image.Signature)
		}
		if same := bytes.Equal(readFile(t, path), once); same != step.same {
			t.Errorf("the same bytes as after the first time: %v, want %v", same, step.same)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want it as it was", info.Mode(), err)
	}
}

func TestSignRefuses(t *testing.T) {
	signer := newSigner(t)
	dir := t.TempDir()
	text := filepath.Join(dir, "text.sys")
	if err := os.WriteFile(text, []byte("no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	var format *FormatError
	if err := Sign(t.Context(), text, signer); !errors.As(err, &format) || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want a *FormatError about %s", err, text)
	}
	if got := string(readFile(t, text)); got != "no image" {
		t.Errorf("the file was changed to %q", got)
	}
	if err := Sign(t.Context(), filepath.Join(dir, "none.sys"), signer); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want it to say that there is no such file", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Sign(ctx, text, signer); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to say that it was cancelled", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSignerIsKeptAndRenewed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "signing")
	day := 24 * time.Hour
	start := time.Now().Truncate(time.Second)
	at := func(when time.Time) *Signer {
		t.Helper()
		signer, err := LoadOrCreateSigner(dir, when)
		if err != nil {
			t.Fatal(err)
		}
		if left := signer.Certificate.NotAfter.Sub(when); left < renewBefore || left > certificateLife {
			t.Errorf("the certificate given at %v has %v left", when, left)
		}
		return signer
	}
	first := at(start)
	if info, err := os.Stat(first.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the key: %v, %v", info.Mode(), err)
	}
	if again := at(start.Add(59 * day)); again.Thumbprint() != first.Thumbprint() {
		t.Error("renewed too early")
	}
	second := at(start.Add(61 * day))
	if second.Thumbprint() == first.Thumbprint() {
		t.Error("not renewed")
	}
	if diff := cmp.Diff(second.Thumbprint(), at(start.Add(62*day)).Thumbprint()); diff != "" {
		t.Errorf("the renewed one was not kept:\n%s", diff)
	}
	if before := at(start.Add(-100 * day)); before.Thumbprint() == second.Thumbprint() {
		t.Error("a certificate that is not valid yet was given")
	}
}

func TestSignerSpoilt(t *testing.T) {
	good := readFile(t, newSigner(t).Path)
	key, rest := pem.Decode(good)
	other, _ := pem.Decode(readFile(t, anotherSigner(t).Path))
	tests := map[string]struct {
		content []byte
		mode    os.FileMode
		want    string
	}{
		"readable by others": {good, 0o644, "chmod 600"},
		"empty":              {nil, 0o600, "remove it"},
		"no certificate":     {pem.EncodeToMemory(key), 0o600, "remove it"},
		"no key":             {rest, 0o600, "remove it"},
		"another key":        {append(pem.EncodeToMemory(other), rest...), 0o600, "the key is not the certificate's"},
		"damaged":            {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.Bytes[:40]}), 0o600, "remove it"},
		"endless":            {bytes.Repeat([]byte("x"), 1<<20), 0o600, "longer than"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, signerFile)
			if err := os.WriteFile(path, test.content, test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadOrCreateSigner(dir, time.Now())
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want it to name the file and to say %q", err, test.want)
			}
			if !bytes.Equal(readFile(t, path), test.content) {
				t.Error("the user's file was changed")
			}
		})
	}
}

func TestSignersSideBySideGetTheSameCertificate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "signing")
	const callers = 4
	signers := make([]*Signer, callers)
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { signers[i], errs[i] = LoadOrCreateSigner(dir, time.Now()) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, s := range signers {
		if s.Thumbprint() != signers[0].Thumbprint() {
			t.Error("different certificates")
		}
	}
}
