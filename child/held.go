package child

import (
	"cmp"
	"fmt"
	"strings"
)

const maxHolders = 8 // that are named

// Held tells who had the output of a program open when that had ended. The zero one: nobody.
type Held struct {
	Still bool     // somebody had
	By    []Holder // who, as far as this user can see; at most 8 of them
	More  bool     // and others
}

// Holder is a process.
type Holder struct {
	PID   int
	Name  string // as the system has it: at most 15 bytes of the program's name, where that is Linux
	Group bool   // it is in the group of the program that has ended
}

// String is what is wrong, with who it is: "sleep (pid 12) and make (pid 14) still have its output open".
func (h Held) String() string {
	if !h.Still {
		return "nobody has its output open"
	}
	var who []string
	for _, by := range h.By {
		who = append(who, fmt.Sprintf("%s (pid %d)", by.Name, by.PID))
	}
	if h.More {
		who = append(who, "others")
	}
	switch last := len(who) - 1; last {
	case -1:
		return "a process that this user can't see still has its output open"
	case 0:
		return who[0] + " still has its output open"
	default:
		return strings.Join(who[:last], ", ") + " and " + who[last] + " still have its output open"
	}
}

// holders says who has the other end of a pipe open that has not come to its end, as far as the system tells.
func (all outputs) holders(g *group) Held {
	var open outputs
	for _, o := range all {
		select {
		case <-o.copied:
		default:
			open = append(open, o)
		}
	}
	if len(open) == 0 {
		return Held{}
	}
	by := open.holdersIn(g)
	return Held{Still: true, By: by[:min(len(by), maxHolders)], More: len(by) > maxHolders}
}

// printable is the name of a process, which it can choose itself, in characters that can be printed anywhere.
func printable(name string) string {
	return cmp.Or(strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '?'
		}
		return r
	}, name), "?")
}
