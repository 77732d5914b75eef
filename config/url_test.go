package config

import (
	"strings"
	"testing"
)

func staticConfig(url, more string) string {
	return "targets:\n  box:\n    provider: static\n    url: " + url + "\n    user: u\n    password_file: pw\n" + more
}

// TestURLsAreCheckedWhereTheyStand: each part of one, at its own column.
func TestURLsAreCheckedWhereTheyStand(t *testing.T) {
	for address, want := range map[string]string{
		"https://h":                                  "https://h:5986/wsman",
		"http://h":                                   "http://h:5985/wsman",
		"https://h/":                                 "https://h:5986/wsman",
		"HTTPS://Lab1.Example.COM:443/wsman":         "https://lab1.example.com:443/wsman",
		"'https://10.0.0.5:5986/wsman'":              "https://10.0.0.5:5986/wsman",
		"https://h.:1/wsman/":                        "https://h.:1/wsman/",
		"https://win_11-a/x%20y":                     "https://win_11-a:5986/x%20y",
		"'https://[fe80::1%25Eth0]:5986/wsman'":      "https://[fe80::1%25Eth0]:5986/wsman",
		"'https://[2001:db8::7]'":                    "https://[2001:db8::7]:5986/wsman",
		"https://xn--grn-ioa.example":                "https://xn--grn-ioa.example:5986/wsman",
		"https://" + strings.Repeat("a.", 126) + "a": "https://" + strings.Repeat("a.", 126) + "a:5986/wsman",
	} {
		c, err := parseConfig([]byte(staticConfig(address, "")), "c.yaml", "/etc")
		if err != nil {
			t.Errorf("%s: got %v, want no mistake", address, err)
		} else if got, _, _ := strings.Cut(c.Target("box").Machine.Description, " "); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
		if err := configSchemaCompiled(t).Validate(plainYAML(t, staticConfig(address, ""))); err != nil {
			t.Errorf("%s: the schema refuses it: %v", address, err)
		}
	}
	const (
		port   = " (expected a port from 1 to 65535, such as 5986)"
		number = " (expected four numbers from 0 to 255 without leading zeros, such as 10.0.0.5)"
		label  = " (expected a name of 1 to 63 letters, digits, '-' and '_' between its dots, or an address)"
	)
	for address, want := range map[string]string{ // columns count from the value, whose first is 10
		"https://127.0.0.1:/wsman":                   "28: the url has a colon, but no port behind it (expected a port from 1 to 65535, such as 5986, or no colon)",
		"http://127.0.0.1:/wsman":                    "27: the url has a colon, but no port behind it (expected a port from 1 to 65535, such as 5985, or no colon)",
		"https://:5986/wsman":                        "18: the url has no host (expected a URL such as https://10.0.0.5:5986/wsman)",
		"https:///wsman":                             "18: the url has no host (expected a URL such as https://10.0.0.5:5986/wsman)",
		"https://":                                   "18: the url has no host (expected a URL such as https://10.0.0.5:5986/wsman)",
		"10.0.0.5":                                   "10: the url does not begin with https:// or http:// (expected a URL such as https://10.0.0.5:5986/wsman)",
		"h:5986/wsman":                               "10: the url does not begin with https:// or http:// (expected a URL such as https://10.0.0.5:5986/wsman)",
		"https:/h/wsman":                             "10: the url does not begin with https:// or http:// (expected a URL such as https://10.0.0.5:5986/wsman)",
		"ftp://h":                                    `10: the url's scheme is "ftp" (expected https or http)`,
		"https://u:secret@h:5986/wsman":              "18: the url has a user in it (expected user and password_env beside it)",
		"https://u:sec/ret@h":                        "18: the url has a user in it (expected user and password_env beside it)",
		"https://h:0/wsman":                          `20: the url's port is "0"` + port,
		"https://h:65536/wsman":                      `20: the url's port is "65536"` + port,
		"https://h:05986":                            `20: the url's port is "05986"` + port,
		"https://h:+1":                               `20: the url's port is "+1"` + port,
		"https://h:x":                                `20: the url's port is "x"` + port,
		"'https://[::1'":                             "19: the [ that opens here is not closed (expected ] behind the IPv6 address)",
		"'https://[::1]5986/wsman'":                  `24: something follows the address in the url: "5986" (expected a colon and a port, or /wsman)`,
		"'https://[::1]:'":                           "25: the url has a colon, but no port behind it (expected a port from 1 to 65535, such as 5986, or no colon)",
		"'https://[10.0.0.5]:5986'":                  `20: the url's host is "10.0.0.5" (expected an IPv6 address in the brackets, such as fe80::1)`,
		"'https://[::g]'":                            `20: the url's host is "::g" (expected an IPv6 address in the brackets, such as fe80::1)`,
		"'https://[::]:5986'":                        "20: the url's host is :: (expected the address of one machine)",
		"'https://[fe80::1%eth0]'":                   "27: the url's zone begins with % (expected %25 before the zone, which is how a URL has a % (RFC 6874))",
		"'https://[fe80::1%25]'":                     `30: the url's zone is "" (expected the name of a network interface)`,
		"https://fe80::1:5986/wsman":                 "18: the url's host has colons in it (expected brackets around an IPv6 address, as in https://[fe80::1]:5986/wsman)",
		"https://10.0.0.256":                         `18: the url's host is "10.0.0.256", which is no address` + number,
		"https://10.0.0":                             `18: the url's host is "10.0.0", which is no address` + number,
		"https://010.0.0.5":                          `18: the url's host is "010.0.0.5", which is no address` + number,
		"https://0x0a.0.0.0x5":                       `18: the url's host is "0x0a.0.0.0x5", which is no address` + number,
		"https://0.0.0.0":                            "18: the url's host is 0.0.0.0 (expected the address of one machine)",
		"https://grün.example":                       `18: the url's host is "grün.example" (expected xn--grn-ioa.example)`,
		"https://a..b":                               `20: the url's host has "" in it` + label,
		"https://a.-b":                               `20: the url's host has "-b" in it` + label,
		"https://a.b c/wsman":                        `20: the url's host has "b c" in it` + label,
		"https://%6c":                                `18: the url's host has "%6c" in it` + label,
		"https://<host>:5986/wsman":                  `18: the url's host has "<host>" in it` + label,
		"https://" + strings.Repeat("a.", 127) + "a": "18: the url's host has 255 (expected at most 253 characters)",
		"https://h/ws man":                           `22: the url's path has ' ' in it (expected its bytes as %xx: %20)`,
		"https://h/grün":                             `22: the url's path has 'ü' in it (expected its bytes as %xx: %C3%BC)`,
		"https://h/%zz":                              "20: the url has a % that is none of these (expected % and two hexadecimal digits)",
		"https://h/wsman?PSVersion=5.1":              "25: the url has a query (expected nothing behind the path)",
		"https://h?x":                                "19: the url has a query (expected nothing behind the path)",
		"https://h/wsman#x":                          "25: the url has a fragment (expected nothing behind the path; in YAML a comment has a blank before its #)",
		`https://h\wsman`:                            `19: the url has a \ in it (expected /)`,
	} {
		_, err := parseConfig([]byte(staticConfig(address, "")), "c.yaml", "/etc")
		if want := "c.yaml:4:" + want; err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", address, err, want)
		} else if strings.Contains(err.Error(), "sec") && strings.Contains(address, "@") {
			t.Errorf("%s: the message repeats the password", address)
		}
	}
}
