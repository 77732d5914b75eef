package driver

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"debug/pe"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sassoftware/relic/v7/lib/authenticode"
	"github.com/sassoftware/relic/v7/lib/certloader"
)

// layout is where the fields of an image are that tests spoil.
type layout struct {
	t        testing.TB
	coff     int // file header
	optional int
	sections map[string]sectionLayout
}

type sectionLayout struct {
	header, offset int // file offsets
	address        uint32
}

func locate(t testing.TB, image []byte) layout {
	t.Helper()
	f, err := pe.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	l := layout{t: t, coff: int(binary.LittleEndian.Uint32(image[0x3c:])) + 4, sections: map[string]sectionLayout{}}
	l.optional = l.coff + 20
	for i, s := range f.Sections {
		l.sections[s.Name] = sectionLayout{
			header: l.optional + int(f.SizeOfOptionalHeader) + 40*i, offset: int(s.Offset), address: s.VirtualAddress,
		}
	}
	return l
}

func (l layout) section(name string) sectionLayout {
	s, ok := l.sections[name]
	if !ok {
		l.t.Fatalf("the image has no section %s", name)
	}
	return s
}

func (l layout) directory(index int) int { return l.optional + 112 + 8*index }

func put16(image []byte, at int, v uint16) { binary.LittleEndian.PutUint16(image[at:], v) }
func put32(image []byte, at int, v uint32) { binary.LittleEndian.PutUint32(image[at:], v) }
func or32(image []byte, at int, v uint32)  { put32(image, at, binary.LittleEndian.Uint32(image[at:])|v) }

// fixChecksum corrects the checksum after a change, by another's code.
func fixChecksum(t testing.TB, image []byte) []byte {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "image")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(image)
	if err = errors.Join(err, authenticode.FixPEChecksum(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	return readFile(t, f.Name())
}

// reseal signs a spoilt image again, so that only the spoilt thing is wrong with it.
func reseal(t testing.TB, image []byte, hash crypto.Hash, cert *certloader.Certificate) []byte {
	t.Helper()
	digest, err := authenticode.DigestPE(bytes.NewReader(image), hash, false)
	if err != nil {
		t.Fatal(err)
	}
	patch, _, err := digest.Sign(t.Context(), cert, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := applyPatch(image, patch)
	if err != nil {
		t.Fatal(err)
	}
	return fixChecksum(t, signed)
}

func (s *Signer) relic() *certloader.Certificate {
	return &certloader.Certificate{Leaf: s.Certificate, PrivateKey: s.key}
}

// otherCertificate is one that differs from a good one in one respect.
func otherCertificate(t testing.TB, bits int, usage []x509.ExtKeyUsage) *certloader.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leaf"}, ExtKeyUsage: usage,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "some authority"}}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &certloader.Certificate{Leaf: cert, PrivateKey: key}
}

func inspect(t testing.TB, image []byte) *Image {
	t.Helper()
	inspected, err := readImage(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	return inspected
}

// rules lists findings as severity:rule.
func rules(findings []Finding) []string {
	names := []string{}
	for _, f := range findings {
		names = append(names, string(f.Severity)+":"+f.Rule)
	}
	return names
}

func TestInspectFacts(t *testing.T) {
	signer := newSigner(t)
	data := signedTiny(t, signer)
	got := inspect(t, data)
	want := &Image{
		Size: int64(len(data)), SHA256: hashBytes(data),
		Machine: "x86-64", Format: "PE32+", Subsystem: "native",
		Characteristics:    []string{"EXECUTABLE_IMAGE", "LINE_NUMS_STRIPPED", "LOCAL_SYMS_STRIPPED", "LARGE_ADDRESS_AWARE", "DEBUG_STRIPPED"},
		DLLCharacteristics: []string{"HIGH_ENTROPY_VA", "DYNAMIC_BASE", "NX_COMPAT"},
		Base:               0x140000000,
		EntrySection:       ".text",
		SectionAlignment:   0x1000, FileAlignment: 0x200,
		Relocations: 2, // Addresses in entry.c
		Imports: []Import{
			{Module: "HAL.dll", Functions: []string{"KeQueryPerformanceCounter"}},
			{Module: "ntoskrnl.exe", Functions: []string{"DbgPrint"}},
		},
		Signature: &Signature{
			Digest: "sha256", Verified: true,
			Subject: "CN=" + certificateName, Issuer: "CN=" + certificateName,
			Thumbprint: thumbprint(signer.Certificate.Raw), Key: "RSA 3072", CodeSigning: true, SelfSigned: true,
			NotBefore: signer.Certificate.NotBefore, NotAfter: signer.Certificate.NotAfter,
			Serial: signer.Certificate.SerialNumber.Text(16),
		},
	}
	unnamed := []cmp.Option{
		cmpopts.IgnoreUnexported(Image{}, Signature{}),
		cmpopts.IgnoreFields(Image{}, "Sections", "Checksum", "EntryPoint", "ImageSize", "HeaderSize"),
		cmpopts.IgnoreFields(Import{}, "Table"),
		cmpopts.IgnoreFields(Signature{}, "Stated", "Computed"),
		cmpopts.SortSlices(func(a, b Import) bool { return a.Module < b.Module }),
	}
	if diff := cmp.Diff(want, got, unnamed...); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	permissions := map[string]string{}
	for _, s := range got.Sections {
		permissions[s.Name] = s.Permissions
	}
	wantPermissions := map[string]string{".text": "r-x", ".data": "rw-", ".rdata": "r--", ".pdata": "r--", ".xdata": "r--", ".bss": "rw-", ".idata": "rw-", ".reloc": "r--"}
	if permissions[".idata"] == "r--" { // as ld of binutils 2.44 and later has it
		wantPermissions[".idata"] = "r--"
	}
	if diff := cmp.Diff(wantPermissions, permissions); diff != "" {
		t.Errorf("permissions: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"note:test-signature"}, rules(got.Findings(time.Now()))); diff != "" {
		t.Errorf("findings: -want +got\n%s", diff)
	}
}

func TestImageSurvivesJSON(t *testing.T) {
	image := inspect(t, signedTiny(t, newSigner(t)))
	data, err := json.Marshal(image)
	if err != nil {
		t.Fatal(err)
	}
	back := &Image{}
	if err := json.Unmarshal(data, back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(image, back, cmpopts.IgnoreUnexported(Image{}, Signature{})); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
	if want := `"sectionAlignment":"0x1000"`; !bytes.Contains(data, []byte(want)) {
		t.Errorf("no %s in %s", want, data)
	}
}

// Every refusal, provoked on a real image in which nothing else is wrong.
func TestFindings(t *testing.T) {
	signer := newSigner(t)
	good := signedTiny(t, signer)
	at := locate(t, good)
	const characteristics, flags = 18, 36 // in the file header, in a section's header
	const writable, discardable = 0x80000000, 0x02000000
	rename := func(image []byte, to string) {
		i := bytes.Index(image, []byte("ntoskrnl.exe"))
		if i < 0 || len(to) != len("ntoskrnl.exe") {
			t.Fatalf("can't rename the module to %q", to)
		}
		copy(image[i:], to)
	}
	// Spoilt before signing: signature and checksum are right.
	sealed := map[string]struct {
		spoil func(image []byte)
		want  string
	}{
		"for a 32-bit machine":        {func(b []byte) { put16(b, at.coff, pe.IMAGE_FILE_MACHINE_I386) }, "refuse:machine"},
		"linked with errors":          {func(b []byte) { b[at.coff+characteristics] &^= 0x02 }, "refuse:not-executable"},
		"a console program":           {func(b []byte) { put16(b, at.optional+68, pe.IMAGE_SUBSYSTEM_WINDOWS_CUI) }, "refuse:subsystem"},
		"no entry point":              {func(b []byte) { put32(b, at.optional+16, 0) }, "refuse:entry-point"},
		"entry point in data":         {func(b []byte) { put32(b, at.optional+16, at.section(".data").address) }, "refuse:entry-point"},
		"relocations stripped":        {func(b []byte) { b[at.coff+characteristics] |= 0x01 }, "refuse:relocations-stripped"},
		"no NX":                       {func(b []byte) { b[at.optional+71] &^= 0x01 }, "refuse:nx"},
		"no ASLR":                     {func(b []byte) { b[at.optional+70] &^= 0x40 }, "refuse:aslr"},
		"a library":                   {func(b []byte) { b[at.coff+characteristics+1] |= 0x20 }, "warn:dll"},
		"code that can be written":    {func(b []byte) { or32(b, at.section(".text").header+flags, writable) }, "refuse:wx-section"},
		"sections that share pages":   {func(b []byte) { put32(b, at.optional+32, 0x200) }, "refuse:section-alignment"},
		"imports thrown away":         {func(b []byte) { or32(b, at.section(".idata").header+flags, discardable) }, "refuse:discardable-imports refuse:discardable-imports"},
		"imports of user mode":        {func(b []byte) { rename(b, "kernel32.dll") }, "refuse:user-mode-import"},
		"imports of another driver":   {func(b []byte) { rename(b, "nobody12.sys") }, "warn:unknown-import"},
		"imports nowhere":             {func(b []byte) { put32(b, at.directory(1), 0x7fffffff) }, "refuse:malformed refuse:malformed"},
		"delay-loaded imports":        {func(b []byte) { put32(b, at.directory(13)+4, 8) }, "warn:delay-imports"},
		"thread-local storage":        {func(b []byte) { put32(b, at.directory(9)+4, 8) }, "warn:tls"},
		"managed code":                {func(b []byte) { put32(b, at.directory(14)+4, 8) }, "refuse:managed"},
		"relocations outside":         {func(b []byte) { put32(b, at.directory(5), 0x7fffffff) }, "refuse:malformed"},
		"sections over each other":    {func(b []byte) { put32(b, at.section(".rdata").header+12, at.section(".text").address) }, "refuse:malformed"},
		"a section beyond the image":  {func(b []byte) { put32(b, at.optional+56, 0x1000) }, ""},
		"symbol file of the builder":  {func(b []byte) { addDebugPath(b, at, `C:\Users\me\tiny.pdb`) }, "note:debug-path"},
		"nothing but a changed stamp": {func(b []byte) { put32(b, at.coff+4, 1700000000) }, ""},
	}
	for name, test := range sealed {
		t.Run(name, func(t *testing.T) {
			image := bytes.Clone(good)
			test.spoil(image)
			image = reseal(t, image, crypto.SHA256, signer.relic())
			got := rules(inspect(t, image).Findings(time.Now()))
			got = slices.DeleteFunc(got, func(rule string) bool { return rule == "note:test-signature" })
			if name == "a section beyond the image" {
				if len(got) == 0 || slices.ContainsFunc(got, func(rule string) bool { return rule != "refuse:malformed" }) {
					t.Errorf("got %v, want refuse:malformed only", got)
				}
				return
			}
			if diff := cmp.Diff(strings.Fields(test.want), got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}

	codeSigning := []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	text := at.section(".text").offset
	table := int(binary.LittleEndian.Uint32(good[at.directory(4):]))
	day := 24 * time.Hour
	// Spoilt by, or after, signing.
	signatures := map[string]struct {
		spoil func(image []byte) []byte
		later time.Duration
		want  string
	}{
		"as it is": {func(b []byte) []byte { return b }, 0, "note:test-signature"},
		"checksum": {func(b []byte) []byte { b[at.optional+64] ^= 1; return b }, 0, "refuse:checksum note:test-signature"},
		"unsigned": {func(b []byte) []byte {
			put32(b, at.directory(4), 0)
			put32(b, at.directory(4)+4, 0)
			return fixChecksum(t, b[:table])
		}, 0, "refuse:unsigned"},
		"one bit of code":    {func(b []byte) []byte { b[text] ^= 1; return fixChecksum(t, b) }, 0, "refuse:digest-mismatch note:test-signature"},
		"signature damaged":  {func(b []byte) []byte { b[len(b)-40] ^= 1; return fixChecksum(t, b) }, 0, "refuse:signature-invalid note:test-signature"},
		"signature cut":      {func(b []byte) []byte { return fixChecksum(t, b[:len(b)-8]) }, 0, "refuse:signature-invalid"},
		"something appended": {func(b []byte) []byte { return fixChecksum(t, append(b, "appended"...)) }, 0, "refuse:signature-invalid"},
		"no PKCS #7":         {func(b []byte) []byte { b[table+8] = 0x31; return fixChecksum(t, b) }, 0, "refuse:signature-invalid"},
		"SHA-1":              {func(b []byte) []byte { return reseal(t, b, crypto.SHA1, signer.relic()) }, 0, "refuse:digest-algorithm note:test-signature"},
		"SHA-384":            {func(b []byte) []byte { return reseal(t, b, crypto.SHA384, signer.relic()) }, 0, "warn:digest-algorithm note:test-signature"},
		"expired":            {func(b []byte) []byte { return b }, certificateLife + day, "refuse:certificate-expired note:test-signature"},
		"not yet valid":      {func(b []byte) []byte { return b }, -backDated - day, "refuse:certificate-not-yet-valid note:test-signature"},
		"for servers": {func(b []byte) []byte {
			return reseal(t, b, crypto.SHA256, otherCertificate(t, 2048, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}))
		}, 0, "refuse:certificate-usage"},
		"a short key":                   {func(b []byte) []byte { return reseal(t, b, crypto.SHA256, otherCertificate(t, 1024, codeSigning)) }, 0, "warn:weak-key"},
		"by an authority's certificate": {func(b []byte) []byte { return reseal(t, b, crypto.SHA256, otherCertificate(t, 2048, codeSigning)) }, 0, ""},
	}
	for name, test := range signatures {
		t.Run(name, func(t *testing.T) {
			image := test.spoil(bytes.Clone(good))
			findings := inspect(t, image).Findings(time.Now().Add(test.later))
			if diff := cmp.Diff(strings.Fields(test.want), rules(findings), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for _, f := range findings {
				if f.Detail == "" || f.Advice == "" || f.By == "" {
					t.Errorf("%s lacks detail, advice or who objects: %+v", f.Rule, f)
				}
			}
		})
	}
}

// addDebugPath puts a debug directory with a CodeView record into the image's read-only data.
func addDebugPath(image []byte, at layout, path string) {
	data := at.section(".rdata")
	put32(image, at.directory(6), data.address)
	put32(image, at.directory(6)+4, 28)
	entry := image[data.offset:]
	clear(entry[:28])
	record := append([]byte("RSDS"), make([]byte, 20)...)
	record = append(append(record, path...), 0)
	binary.LittleEndian.PutUint32(entry[12:], 2)
	binary.LittleEndian.PutUint32(entry[16:], uint32(len(record)))
	binary.LittleEndian.PutUint32(entry[24:], uint32(data.offset+28))
	copy(entry[28:], record)
}

func TestInspectRefusesWhatIsNoImage(t *testing.T) {
	good := signedTiny(t, newSigner(t))
	at := locate(t, good)
	spoilt := func(spoil func(b []byte)) []byte {
		b := bytes.Clone(good)
		spoil(b)
		return b
	}
	for name, data := range map[string][]byte{
		"empty":                 nil,
		"text":                  []byte(strings.Repeat("no image ", 100)),
		"header only":           good[:64],
		"header points outside": spoilt(func(b []byte) { put32(b, 0x3c, 0xfffffff0) }),
		"header points inside":  spoilt(func(b []byte) { put32(b, 0x3c, 4) }),
		"65535 sections":        spoilt(func(b []byte) { put16(b, at.coff+2, 0xffff) }),
		"no optional header":    spoilt(func(b []byte) { put16(b, at.coff+16, 0) }),
		"no file alignment":     spoilt(func(b []byte) { put32(b, at.optional+36, 0) }),
	} {
		var format *FormatError
		if _, err := readImage(bytes.NewReader(data), int64(len(data))); !errors.As(err, &format) {
			t.Errorf("%s: got %v, want a *FormatError", name, err)
		}
	}
	if _, err := readImage(bytes.NewReader(nil), maxImageFile+1); err == nil {
		t.Error("a file of more than 64 MiB was read")
	}
	if _, err := readImage(bytes.NewReader(good[:100]), int64(len(good))); err == nil {
		t.Error("a file shorter than it said was accepted")
	}
	if _, err := InspectFile(filepath.Join(t.TempDir(), "none.sys")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want it to say that there is no such file", err)
	}
}

// What a hostile file makes of the inspection must be bounded, printable, and never a panic.
func FuzzInspect(f *testing.F) {
	if image, err := unsignedTiny(); err == nil {
		f.Add(image)
		f.Add(signedTiny(f, newSigner(f)))
	}
	f.Add([]byte("MZ"))
	f.Add(append([]byte("MZ"), make([]byte, 200)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		image, err := readImage(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		image.Findings(time.Unix(1700000000, 0))
		text, err := json.Marshal(image)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 32<<20 {
			t.Errorf("%d bytes of facts from %d bytes of image", len(text), len(data))
		}
		for _, name := range image.Exports {
			_, _ = exportOf(data, name)
		}
		for _, s := range image.Sections {
			if s.Name != printable(s.Name) {
				t.Errorf("%q can't be printed", s.Name)
			}
		}
		// What can be inspected is given to the library that signs.
		_, _ = authenticode.DigestPE(bytes.NewReader(data), crypto.SHA256, false)
	})
}

// No byte of what is loaded can change unnoticed, even by somebody who corrects the checksum.
func TestEveryByteIsSigned(t *testing.T) {
	good := signedTiny(t, newSigner(t))
	at := locate(t, good)
	checksum := at.optional + 64
	table := int(binary.LittleEndian.Uint32(good[at.directory(4):]))
	const headers, apart = 1 << 10, 7 // sections are hashed as a whole: of theirs, some bytes do
	for i := 0; i < table; i++ {
		if i >= headers && i%apart != 0 || i >= checksum && i < checksum+4 {
			continue
		}
		image := bytes.Clone(good)
		image[i] ^= 0x10
		if reader, err := newImageReader(image); err == nil {
			put32(image, int(reader.optional)+64, reader.checksum())
		}
		inspected, err := readImage(bytes.NewReader(image), int64(len(image)))
		if err == nil && len(Refusals(inspected.Findings(time.Now()))) == 0 {
			t.Errorf("byte %#x was changed, and nobody objects", i)
		}
	}
}
