package strictyaml

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// A value without quotes means what a reader of YAML takes it for, and readers do not agree: 010 is 8 in YAML 1.1 and
// 10 in YAML 1.2, yes is true in one and text in the other. Here nobody has to know which it is: where readers may
// disagree, or where the text would not come back as it was typed, quotes are asked for.
//
// Sources: https://yaml.org/type/ (int, float, bool, null, timestamp, merge, value) for YAML 1.1, and section 10.3.2,
// "Core Schema", of https://yaml.org/spec/1.2.2/.

var (
	coreInt   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	coreBool  = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	coreNull  = regexp.MustCompile(`^(|~|null|Null|NULL)$`)

	oldBool = regexp.MustCompile(`^([yY]|yes|Yes|YES|[nN]|no|No|NO|on|On|ON|off|Off|OFF)$`)
	oldDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$`)
	// Numbers that only YAML 1.1 has: of base 2 and 60, with underscores, and signed hexadecimal ones.
	oldNumber = regexp.MustCompile(`^[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)$`)

	// wholeNumber is how a number is written of which there is no doubt.
	wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]*|0x[0-9a-fA-F]+)$`)
	// sameAsText are numbers that come back as they were typed, whoever reads them.
	sameAsText = regexp.MustCompile(`^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.([0-9]*[1-9]|0))$`)
)

// resolve says what YAML 1.2 takes a plain value for, and, where it should not be taken for text without quotes, what
// else readers take it for.
func resolve(text string) (tag, doubt string) {
	switch {
	case coreNull.MatchString(text):
		return "!!null", ""
	case coreBool.MatchString(text):
		if text == strings.ToLower(text) {
			return "!!bool", ""
		}
		return "!!bool", strings.ToLower(text)
	case coreInt.MatchString(text):
		return "!!int", intDoubt(text)
	case coreFloat.MatchString(text):
		if sameAsText.MatchString(text) {
			return "!!float", ""
		}
		return "!!float", floatDoubt(text)
	case oldBool.MatchString(text):
		return "!!str", fmt.Sprintf("%t in YAML 1.1, and text in YAML 1.2", strings.ContainsAny(text[:1], "yY") || strings.EqualFold(text, "on"))
	case oldDate.MatchString(text):
		return "!!str", "a date in YAML 1.1, and text in YAML 1.2"
	case oldNumber.MatchString(text):
		return "!!str", "a number in YAML 1.1, and text in YAML 1.2"
	case text == "=" || text == "<<":
		return "!!str", "a sign with a meaning of its own in YAML 1.1"
	}
	return "!!str", ""
}

func intDoubt(text string) string {
	digits := strings.TrimLeft(text, "-+")
	if sameAsText.MatchString(text) {
		return ""
	}
	if octal, ok := strings.CutPrefix(text, "0o"); ok {
		return fmt.Sprintf("%s in YAML 1.2, and text in YAML 1.1", inBase(octal, 8))
	}
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		return number(inBase(hex, 16))
	}
	if digits != "0" && digits[0] == '0' {
		decimal := inBase(digits, 10)
		if octal := inBase(digits, 8); octal != "" {
			return fmt.Sprintf("%s in YAML 1.1, and %s in YAML 1.2", octal, decimal)
		}
		return fmt.Sprintf("text in YAML 1.1, and %s in YAML 1.2", decimal)
	}
	return number(inBase(strings.TrimPrefix(text, "+"), 10))
}

// number names one.
func number(decimal string) string {
	if decimal == "a number" {
		return decimal
	}
	return "the number " + decimal
}

// floatDoubt says which number a text is; in YAML 1.1 some ways to write one are text.
func floatDoubt(text string) string {
	value, err := strconv.ParseFloat(strings.Replace(text, ".i", "i", 1), 64)
	if err != nil {
		return "a number"
	}
	return number(strconv.FormatFloat(value, 'g', -1, 64))
}

// inBase is a number in decimal, where it is not too long to be shown; "" where the digits are not of the base.
func inBase(digits string, base int) string {
	n, ok := new(big.Int).SetString(digits, base)
	switch {
	case !ok:
		return ""
	case len(digits) > 20:
		return "a number"
	}
	return n.String()
}

// doubted says what is in doubt about a value without quotes: "010, which is 8 in YAML 1.1, and 10 in YAML 1.2".
func (n *Node) doubted() string { return n.Text + ", which without quotes is " + n.Doubt }

// inQuotes is how the value is written so that it is text.
func (n *Node) inQuotes() string { return "'" + strings.ReplaceAll(n.Text, "'", "''") + "' in quotes" }
