package bundle

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"wskharness/config"
	"wskharness/remote"
	"wskharness/strictyaml"
)

// open are the keys of a target that tell what kind of machine it is, and nothing of how it is got at.
var open = []string{"provider", "netio", "version", "transport", "auth", "snapshot", "firmware", "memory", "cpus", "cpu", "accel", "tpm",
	"memory_dump", "boot_within", "allow_plain", "address"}

const leftOut = "[left out]"

// request is request.json, as far as it is read here.
type request struct {
	ID         string          `json:"id"`
	Definition string          `json:"definition"`
	Request    json.RawMessage `json:"request"`
}

// asked is what was asked for, and with what configuration; nil where the run has none that can be read.
func asked(on fs.FS) (*request, *config.Config) {
	data, err := fs.ReadFile(on, "request.json")
	if err != nil {
		return nil, nil
	}
	var r request
	var of struct{ Config *config.Config }
	if json.Unmarshal(data, &r) != nil || json.Unmarshal(r.Request, &of) != nil || of.Config == nil {
		return nil, nil
	}
	return &r, of.Config
}

// open is request.json without how machines are got at, and without the commands of the user's own.
func (r *request) open(c *config.Config) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(r.Request, &all); err != nil {
		return nil, err
	}
	targets := map[string]any{}
	for _, t := range c.Targets {
		said := map[string]string{}
		if t.Said != nil {
			for _, pair := range t.Said.Pairs {
				said[pair.Key.Text] = leftOut
				if slices.Contains(open, pair.Key.Text) && pair.Value.Text != "" {
					said[pair.Key.Text] = pair.Value.Text
				}
			}
		}
		targets[t.Name] = said
	}
	settings := map[string]any{"Targets": targets, "Defines": c.Defines, "Run": c.Run, "Limits": c.Limits, "Suites": len(c.Suites)}
	if c.External != nil {
		settings["External"] = map[string]any{"Service": c.External.Service, "Sign": c.External.Sign, "Built": c.External.Build != nil}
	}
	all["Config"] = settings
	data, err := json.MarshalIndent(map[string]any{"id": r.ID, "definition": r.Definition, "request": all}, "", "  ")
	return append(data, '\n'), err
}

// private are the values that nobody has to see beside the targets' passwords: of the variables that programs of the
// configuration are given, of those that are secret by their name, and the words of the programs that turn machines on.
func private(c *config.Config, values func(match func(name string) bool) []string) (all []remote.Secret) {
	var variables []string
	if c != nil {
		if c.External != nil && c.External.Build != nil {
			variables = append(variables, c.External.Build.Environment.Also...)
			all = append(all, secrets(c.External.Build.Args[min(1, len(c.External.Build.Args)):])...)
		}
		for _, t := range c.Targets {
			if t.Said == nil {
				continue
			}
			for _, pair := range t.Said.Pairs {
				if slices.Contains(open, pair.Key.Text) {
					continue
				}
				given, words := wordsOf(pair.Key.Text, pair.Value)
				variables, all = append(variables, given...), append(all, secrets(words)...)
			}
		}
	}
	all = append(all, secrets(values(func(name string) bool { return slices.Contains(variables, name) }))...)
	for _, value := range values(secretName.MatchString) {
		if !strings.HasPrefix(value, "/") { // a path is no secret
			all = append(all, secrets([]string{value})...)
		}
	}
	return all
}

// secretName matches variables that are secret wherever they are set.
var secretName = regexp.MustCompile(`(?i)(passw|secret|token|credential|api_?key|private_?key)`)

// shortest is the length from which a word is told from others.
const shortest = 6

func secrets(words []string) (all []remote.Secret) {
	for _, word := range words {
		if len(word) >= shortest {
			all = append(all, remote.Secret(word))
		}
	}
	return all
}

// wordsOf are the variables that are named below a key, and the arguments of the programs there.
func wordsOf(key string, n *strictyaml.Node) (variables, words []string) {
	if n == nil {
		return nil, nil
	}
	for i, item := range n.Items {
		switch {
		case key == "env" || key == "build_env":
			variables = append(variables, item.Text)
		case i > 0:
			words = append(words, item.Text)
		}
	}
	for _, pair := range n.Pairs {
		v, w := wordsOf(pair.Key.Text, pair.Value)
		variables, words = append(variables, v...), append(words, w...)
	}
	return variables, words
}

// homes shortens the folders of users, in texts and in JSON: what is below stays, whose they are does not.
type homes struct {
	own string // this user's, as it is
}

var foreign = []*regexp.Regexp{
	regexp.MustCompile(`(?i)([a-z]:(?:\\+|/)users(?:\\+|/))[^\\/"'<>|:*?\r\n\t ]+`),
	regexp.MustCompile(`(/(?:home|Users)/)[^/"'<>|:*?\r\n\t ]+`),
}

func (h homes) shorten(text string) string {
	if len(h.own) > 1 {
		for _, form := range []string{h.own, strings.Trim(fmt.Sprintf("%q", h.own), `"`)} {
			text = strings.ReplaceAll(text, form, "~")
		}
	}
	for _, f := range foreign {
		text = f.ReplaceAllString(text, "${1}~")
	}
	return text
}
