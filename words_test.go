package wskharness_test

import (
	"cmp"
	"regexp"
	"strings"
	"testing"
)

// instead has words that this house does not use, and what it says in their place: docs/glossary.md.
var instead = map[string]string{
	"trial": "attempt", "bookmark": "checkpoint", "recall": "replay",
	"performer": "executor", "actor": "executor",
	"mishap": "injected fault", "suffer": "injected fault",
	"patience": "response timeout", "torn": "truncated", "dress": "wrap",
	"tally": "stats", "gauge": "memory usage", "kit": "artifacts",
	"breakoff": "abort", "carryout": "execute", "goon": "resume",
}

// english are lines in which such a word is plain English, or is what others call something.
var english = regexp.MustCompile(`(?i)driver kit|lab kit|\btorn down\b|kit'?s\b|\bkits\b|kit(Header|Type)|in the kit|the kit offer|and the kit`)

// mayHave reports whether a text may have one of the words: few lines do.
func mayHave(text string) bool {
	text = strings.ToLower(text)
	for w := range instead {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// part is a word of an identifier: camelCase, CamelCase and snake_case are taken apart.
var part = regexp.MustCompile(`[A-Z]+[a-z]+|[A-Z]+|[a-z]+`)

// TestWordsOfTheHouse keeps words away that mean what has another name, in identifiers, comments, messages and documents.
func TestWordsOfTheHouse(t *testing.T) {
	for file, text := range openHouse(t).sources {
		if file == "words_test.go" || strings.Contains(file, "testdata/") || !mayHave(text) {
			continue
		}
		for n, line := range strings.Split(text, "\n") {
			if !mayHave(line) || english.MatchString(line) {
				continue
			}
			for _, identifier := range word.FindAllString(line, -1) {
				for _, w := range append(part.FindAllString(identifier, -1), identifier) {
					w = strings.ToLower(w)
					if is := cmp.Or(instead[w], instead[strings.TrimSuffix(w, "s")]); is != "" {
						t.Errorf("%s:%d: got %s, want %s", file, n+1, identifier, is)
						break
					}
				}
			}
		}
	}
}
