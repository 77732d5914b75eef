package report

import (
	"fmt"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// CodePage is the number of a code page of Windows, in which a guest's programs write what is not Unicode. 0: not known.
type CodePage uint16

// UTF8Page is the code page that is UTF-8.
const UTF8Page CodePage = 65001

// eastern are the code pages of several bytes a character, by the names that x/text has for them. Source: "Code Page
// Identifiers" in the Win32 reference, and the WHATWG's Encoding Standard.
func eastern(page CodePage) string {
	switch page {
	case 932:
		return "shift_jis"
	case 936:
		return "gbk"
	case 949:
		return "euc-kr"
	case 950:
		return "big5"
	case 54936:
		return "gb18030"
	}
	return ""
}

// encoding is nil for a page that is not known, or is UTF-8.
func (p CodePage) encoding() encoding.Encoding {
	for _, name := range []string{
		eastern(p), fmt.Sprintf("windows-%d", p), fmt.Sprintf("IBM%03d", p), fmt.Sprintf("IBM%05d", p), isoPage(p), koiPage(p),
	} {
		if name == "" {
			continue
		}
		if e := named(name); e != nil {
			return e
		}
	}
	return nil
}

// isoPage names the pages 28591 to 28606, which are ISO 8859-1 to 16.
func isoPage(p CodePage) string {
	if p > 28590 && p < 28607 {
		return fmt.Sprintf("iso-8859-%d", p-28590)
	}
	return ""
}

func koiPage(p CodePage) string {
	switch p {
	case 20866:
		return "koi8-r"
	case 21866:
		return "koi8-u"
	}
	return ""
}

// named is the encoding of that name; nil where there is none that can be read.
func named(name string) encoding.Encoding {
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		return e
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil {
		return e // nil where it is only known by name
	}
	return nil
}
