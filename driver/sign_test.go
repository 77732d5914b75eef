package driver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	encodingasn1 "encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	inspected, err := readImage(bytes.NewReader(image), int64(len(image)))
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
		t.Errorf("%d signatures, %v, want 1", len(signatures), err)
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
		if got, want := image.Signature.Thumbprint, thumbprint(step.signer.Certificate.Raw); got != want {
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
		t.Errorf("the file was changed to %q, want %q", got, "no image")
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

// TestSignerOverTime calls for the signer of one folder at some times, as clocks tell them that may be wrong. No key is
// ever lost, which one is used is said where it is another one, and that one ends where it will.
func TestSignerOverTime(t *testing.T) {
	type call struct {
		day    int    // since the first
		signer string // a name for it: the same as before, or a new one
		notice string // a part of what is said of it; empty: nothing is
		fails  string // a part of the error
	}
	for name, calls := range map[string][]call{
		"renewed in time": {
			{0, "first", "", ""}, {59, "first", "", ""},
			{61, "first", "expires in 29 days", ""}, {82, "first", "expires in 8 days", ""},
			{84, "second", "there is another test certificate", ""}, {85, "second", "", ""}, {150, "second", "expires in 24 days", ""},
			{170, "third", "there is another test certificate", ""},
		},
		"renewed too late":                {{0, "first", "", ""}, {400, "second", "the last one ends on ", ""}, {401, "second", "", ""}},
		"a clock that is behind a little": {{0, "first", "", ""}, {-20, "first", "", ""}, {1, "first", "", ""}},
		"a clock that is far behind": {
			{0, "first", "", ""}, {-31, "", "", "set the clock right"}, {-9000, "", "", "set the clock right"}, {1, "first", "", ""},
		},
		"a clock that is far ahead for one call": {
			{0, "first", "", ""}, {4000, "second", "there is another test certificate", ""},
			{1, "first", "another test certificate is used, one that was kept", ""}, {2, "first", "", ""},
		},
		"a clock that is far ahead now and then": {
			{0, "first", "", ""}, {4000, "second", "there is another", ""}, {1, "first", "one that was kept", ""},
			{4001, "second", "one that was kept", ""}, {2, "first", "one that was kept", ""}, {4002, "second", "one that was kept", ""},
		},
		"a clock that was ahead when the first was made": {{4000, "first", "", ""}, {0, "", "", "move the file away"}, {4001, "first", "", ""}},
		"a clock that is behind the last one, when the one before is all but over": {
			{0, "first", "", ""}, {4000, "second", "there is another", ""}, {85, "third", "there is another", ""}, {86, "third", "", ""},
		},
		"a clock that is behind the last one, when the one before is over": {
			{0, "first", "", ""}, {4000, "second", "there is another", ""}, {95, "", "", "set the clock right"}, {1, "first", "one that was kept", ""},
		},
		"two that were kept and are good": {
			{0, "first", "", ""}, {101, "second", "there is another", ""}, {202, "third", "there is another", ""}, {75, "second", "one that was kept", ""},
		},
		"one that was kept and whose time has come": {
			{0, "first", "", ""}, {101, "second", "there is another", ""}, {1, "first", "one that was kept", ""}, {75, "first", "expires in 15 days", ""},
			{84, "second", "one that was kept", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "new", "signing")
			start := time.Now().Truncate(time.Second)
			known := map[string]string{}
			for i, c := range calls {
				now := start.Add(time.Duration(c.day) * day)
				signer, err := quickKeyring(dir).signer(now)
				if kept := keysIn(t, dir); len(kept) != len(known) && (c.signer == "" || known[c.signer] != "") ||
					!containsAll(kept, slices.Collect(maps.Values(known))) {
					t.Errorf("call %d, day %d: the keys %v were %v", i, c.day, kept, known)
				}
				if c.fails != "" {
					if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), stamp(now)) {
						t.Fatalf("call %d, day %d: got %v, want %q with both times", i, c.day, err, c.fails)
					}
					continue
				}
				if err != nil {
					t.Fatalf("call %d, day %d: %v", i, c.day, err)
				}
				is := thumbprint(signer.Certificate.Raw)
				if was, ok := known[c.signer]; ok && was != is || !ok && slices.Contains(slices.Collect(maps.Values(known)), is) {
					t.Errorf("call %d, day %d: that is not the %s", i, c.day, c.signer)
				}
				known[c.signer] = is
				said := strings.Join(signer.Notices, "\n")
				if !strings.Contains(said, c.notice) || (c.notice == "") != (said == "") {
					t.Errorf("call %d, day %d: it says %q, want %q", i, c.day, said, c.notice)
				}
				if !signer.good(now) || signer.Path != filepath.Join(dir, signerFile) {
					t.Errorf("call %d, day %d: a certificate from %s until %s in %s", i, c.day, signer.Certificate.NotBefore, signer.Certificate.NotAfter, signer.Path)
				}
			}
		})
	}
}

// keysIn are the thumbprints of the signers in a folder, each of which only the user can read.
func keysIn(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	paths, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		signer, err := loadSigner(path)
		if err != nil {
			t.Errorf("load %s: got %v, want no error", path, err)
			continue
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode of %s: %v, %v", path, info.Mode(), err)
		}
		if !slices.Contains(all, thumbprint(signer.Certificate.Raw)) {
			all = append(all, thumbprint(signer.Certificate.Raw))
		}
	}
	return all
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}

// A key that was removed is not wanted back, and nothing that lies where a key is to be kept is written over.
func TestSignerIsNotBroughtBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "signing")
	now := time.Now()
	first := loaded(t, dir, now)
	second := loaded(t, dir, now.Add(400*day))
	kept, err := filepath.Glob(filepath.Join(dir, keptFiles))
	if err != nil || len(kept) != 1 {
		t.Fatalf("got kept keys %v, %v, want 1", kept, err)
	}
	if err := os.Remove(second.Path); err != nil {
		t.Fatal(err)
	}
	third := loaded(t, dir, now)
	if thumbprint(third.Certificate.Raw) == thumbprint(first.Certificate.Raw) || thumbprint(third.Certificate.Raw) == thumbprint(second.Certificate.Raw) {
		t.Error("a key that was removed is back")
	}
	other := fmt.Sprintf("%s/test-signing.until-%s.%x.pem", dir, third.Certificate.NotAfter.Format(time.DateOnly), third.Certificate.SerialNumber)
	if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, third.Path)
	if _, err := quickKeyring(dir).signer(now.Add(400 * day)); err == nil || !strings.Contains(err.Error(), "something else is at "+other) {
		t.Errorf("error %v", err)
	}
	if string(readFile(t, other)) != "mine" || !bytes.Equal(readFile(t, third.Path), before) {
		t.Error("a file was written over")
	}
}

func loaded(t *testing.T, dir string, now time.Time) *Signer {
	t.Helper()
	signer, err := quickKeyring(dir).signer(now)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// quickKeyring makes keys that are as small as they can be: nobody trusts them.
func quickKeyring(dir string) keyring {
	return keyring{dir, func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 1024) }}
}

// A folder into which others can put a key is no place for one; nor is one, or a key, that is somebody else's.
func TestSigningFolderIsTheUsers(t *testing.T) {
	for name, test := range map[string]struct {
		mode  os.FileMode
		owner int // of what it is about; 0: whoever runs the test
		of    string
		want  string // of the error; empty: none
	}{
		"private":          {0o700, 0, "", ""},
		"readable":         {0o755, 0, "", ""},
		"group writes":     {0o770, 0, "", "others may write to its folder (mode 0770); close it with: chmod 700 "},
		"all write":        {0o702, 0, "", "others may write to its folder (mode 0702); close it with: chmod 700 "},
		"another's folder": {0o700, 12345, ".", "belongs to user 12345, and this is user 0; run as that user, or set XDG_CONFIG_HOME"},
		"another's key":    {0o700, 12345, signerFile, "it belongs to user 12345, and this is user 0; run as that user, or set XDG_CONFIG_HOME"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.owner != 0 && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			dir := t.TempDir()
			if err := errors.Join(os.WriteFile(filepath.Join(dir, signerFile), readFile(t, newSigner(t).Path), 0o600), os.Chmod(dir, test.mode)); err != nil {
				t.Fatal(err)
			}
			if test.owner != 0 {
				if err := os.Chown(filepath.Join(dir, test.of), test.owner, -1); err != nil {
					t.Fatal(err)
				}
			}
			_, err := LoadOrCreateSigner(dir, time.Now())
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
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

// A key and a certificate that somebody brings are taken as their tools write them.
func TestSignerOfOnesOwn(t *testing.T) {
	ours := newSigner(t)
	key, rest := pem.Decode(readFile(t, ours.Path))
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(ours.key)})
	mine := plain(t)
	mine.notAfter = utc(time.Now().Add(60 * day))
	own, err := x509.MarshalPKCS8PrivateKey(mine.signer)
	if err != nil {
		t.Fatal(err)
	}
	brought := func(change func(*form)) []byte {
		f := mine
		change(&f)
		return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: own}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.der(t)})...)
	}
	whole := append(pem.EncodeToMemory(key), rest...)
	serverAuth := encodingasn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	for name, test := range map[string]struct {
		content []byte
		fails   string
	}{
		"as it is made here":    {whole, ""},
		"with a mark and CRLF":  {append([]byte("\ufeff"), bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n"))...), ""},
		"certificate first":     {append(bytes.Clone(rest), pem.EncodeToMemory(key)...), ""},
		"a key of PKCS #1":      {append(old, rest...), ""},
		"with its issuer":       {append(bytes.Clone(whole), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.der(t)})...), ""},
		"that states no use":    {brought(func(f *form) { f.extensions = nil }), ""},
		"with any serial":       {brought(func(f *form) { f.serial = integer(-5) }), ""},
		"for servers":           {brought(func(f *form) { f.extensions = extensions(usages(serverAuth)) }), "the certificate is not for code signing"},
		"a key with a password": {append(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: own}), rest...), "take that off with openssl rsa"},
		"UTF-16 without a mark": {[]byte("-\x00-\x00"), "it has NUL characters"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, signerFile), test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			signer, err := LoadOrCreateSigner(dir, time.Now())
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("got %v, want %s", err, test.fails)
				}
				return
			}
			if err != nil || !bytes.Equal(readFile(t, signer.Path), test.content) {
				t.Fatalf("%v, or it gave way to another", err)
			}
			if image := inspect(t, signedTiny(t, signer)); !image.Signature.Verified || len(Refusals(image.Findings(time.Now()))) > 0 {
				t.Errorf("got signature %+v, want it verified, without a refusal", image.Signature)
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
		if thumbprint(s.Certificate.Raw) != thumbprint(signers[0].Certificate.Raw) {
			t.Error("different certificates")
		}
	}
}
