// Package wim reads what the images in a .wim or .esd file are: the table of contents that Windows' setup shows as a list of
// editions. It reads the header and the XML that it points to, and none of the files.
//
//	images, err := wim.Images(file)
//
// The format is described in "Windows Imaging File Format (WIM)", which Microsoft published with the WAIK; .esd files have the
// same header, and their XML is as readable as that of others.
package wim

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
)

// The header: 208 bytes, of which the XML's resource is at 72: 7 bytes of size, a byte of flags, 8 bytes of offset.
const (
	magic      = "MSWIM\x00\x00\x00"
	headerSize = 208
	partAt     = 40
	xmlAt      = 72
	compressed = 4
	maxXML     = 16 << 20
	maxImages  = 256
)

// ErrNotWIM is said of something else.
var ErrNotWIM = errors.New("is no WIM: its first bytes are others")

// Architecture is that of an image, by the number of Windows' SYSTEM_INFO.wProcessorArchitecture.
type Architecture int

// The architectures that there are images of.
const (
	X86   Architecture = 0
	ARM   Architecture = 5
	AMD64 Architecture = 9
	ARM64 Architecture = 12
)

func (a Architecture) String() string {
	switch a {
	case X86:
		return "x86"
	case ARM:
		return "arm"
	case AMD64:
		return "amd64"
	case ARM64:
		return "arm64"
	}
	return fmt.Sprintf("architecture %d", int(a))
}

// MarshalText writes it as its word.
func (a Architecture) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Image is one edition. All of it is the file's own word.
type Image struct {
	Index        int          `json:"index"`       // by which dism applies it; from 1 on
	Name         string       `json:"name"`        // "Windows 11 Pro"
	DisplayName  string       `json:"displayName"` // as setup's list has it; may be empty
	Bytes        int64        `json:"bytes"`       // that its files take
	Architecture Architecture `json:"architecture"`
	Edition      string       `json:"edition"`      // "Professional", "ServerDatacenterEval"
	Installation string       `json:"installation"` // "Client", "Server", "Server Core", "WindowsPE"
	Build        int          `json:"build"`        // 26100
	Revision     int          `json:"revision"`     // what follows the build, as in 26100.1742
	Language     string       `json:"language"`     // the default one: "en-US"
}

// Evaluation reports whether the image is an edition that runs for a time without a key, and takes none.
func (i Image) Evaluation() bool { return strings.HasSuffix(i.Edition, "Eval") }

type contents struct {
	XMLName xml.Name `xml:"WIM"`
	Images  []struct {
		Index       int    `xml:"INDEX,attr"`
		Name        string `xml:"NAME"`
		DisplayName string `xml:"DISPLAYNAME"`
		Bytes       int64  `xml:"TOTALBYTES"`
		Windows     *struct {
			Arch         int    `xml:"ARCH"`
			Edition      string `xml:"EDITIONID"`
			Installation string `xml:"INSTALLATIONTYPE"`
			Default      string `xml:"LANGUAGES>DEFAULT"`
			Version      struct {
				Build    int `xml:"BUILD"`
				Revision int `xml:"SPBUILD"`
			} `xml:"VERSION"`
		} `xml:"WINDOWS"`
	} `xml:"IMAGE"`
}

// Images reads the images that have a Windows in them, by index. Errors go on behind the file's name.
func Images(file io.ReaderAt) ([]Image, error) {
	header := make([]byte, headerSize)
	if n, err := file.ReadAt(header, 0); n < headerSize {
		if err == io.EOF {
			return nil, ErrNotWIM
		}
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	if string(header[:8]) != magic {
		return nil, ErrNotWIM
	}
	if part, parts := binary.LittleEndian.Uint16(header[partAt:]), binary.LittleEndian.Uint16(header[partAt+2:]); parts > 1 {
		return nil, fmt.Errorf("is part %d of %d: join them first (wimlib-imagex join)", part, parts)
	}
	resource := binary.LittleEndian.Uint64(header[xmlAt:])
	size, flags := int64(resource&(1<<56-1)), byte(resource>>56)
	offset := int64(binary.LittleEndian.Uint64(header[xmlAt+8:]))
	switch {
	case flags&compressed != 0:
		return nil, errors.New("has a compressed list of images, which none is known to have")
	case size <= 0 || size > maxXML || offset < headerSize:
		return nil, errors.New("has no list of images: its header is damaged, or it was not written to its end")
	}
	text := make([]byte, size)
	if _, err := file.ReadAt(text, offset); err != nil {
		return nil, fmt.Errorf("is cut: its list of images, at %d, can't be read: %w", offset, err)
	}
	return parse(text)
}

// parse reads the XML: UTF-16, low byte first.
func parse(text []byte) ([]Image, error) {
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(text[2*i:])
	}
	whole := strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff")
	var c contents
	decoder := xml.NewDecoder(bytes.NewReader([]byte(whole)))
	decoder.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // "utf-16" is said of what was just decoded
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("has a list of images that can't be read: %w", err)
	}
	if len(c.Images) > maxImages {
		return nil, fmt.Errorf("has more than %d images", maxImages)
	}
	var images []Image
	for _, one := range c.Images {
		w := one.Windows
		if w == nil || one.Index < 1 {
			continue
		}
		images = append(images, Image{
			Index: one.Index, Name: strings.TrimSpace(one.Name), DisplayName: strings.TrimSpace(one.DisplayName), Bytes: one.Bytes,
			Architecture: Architecture(w.Arch), Edition: w.Edition, Installation: w.Installation,
			Build: w.Version.Build, Revision: w.Version.Revision, Language: w.Default,
		})
	}
	if len(images) == 0 {
		return nil, errors.New("has no image of Windows")
	}
	slices.SortFunc(images, func(a, b Image) int { return a.Index - b.Index })
	return images, nil
}
