package suites

import (
	"fmt"
	"io"
	"strings"
)

// reference writes the steps, their arguments and their checks as Markdown.
func reference(w io.Writer) error {
	var b strings.Builder
	b.WriteString("## Beside every step\n\n| key | meaning |\n| --- | --- |\n")
	for _, k := range commonKeys() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", k.name, k.doc)
	}
	for _, o := range operations() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", o.title(), o.doc)
		if o.executor == byAgent {
			b.WriteString("The agent executes it")
			if o.thread {
				b.WriteString(", where asked on a `thread:` of its own")
			}
			b.WriteString(".\n")
		}
		if len(o.contexts) > 1 {
			var names []string
			for _, c := range o.contexts {
				names = append(names, "`"+c.name+"` ("+c.doc+")")
			}
			fmt.Fprintf(&b, "May run `at:` %s", strings.Join(names, ", "))
			if o.thread {
				b.WriteString(", or on a `thread:` of its own")
			}
			b.WriteString(".\n")
		}
		if len(o.args) > 0 {
			b.WriteString("\n| argument | value | meaning |\n| --- | --- | --- |\n")
			for _, a := range o.args {
				doc := a.doc
				if a.required {
					doc += " (required)"
				}
				words := a.kind.words(a.names)
				if a.told != "" {
					words += ", `{from: STEP, value: NAME}`"
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", a.name, words, doc)
			}
		}
		if o.starts {
			b.WriteString("\n`steps:` is a list of steps that DriverEntry runs: steps of the driver without blocked and join. Their results are checked as those of any others, and what they leave behind is there for the steps that follow.\n")
		}
		if forms := o.forms(); len(forms) > 0 {
			b.WriteString("\n| check | value | of |\n| --- | --- | --- |\n")
			for _, f := range forms {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.name, f.kind().words(f.value.names), f.doc)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// title is what a section of the reference is called: "close", or "close: handle" for another operation of that name.
func (o *operation) title() string {
	if len(o.variant) == 0 {
		return o.name
	}
	return o.name + ": " + strings.Join(o.variant, ", ")
}

func (k argKind) words(names []named) string {
	switch k {
	case argBool:
		return "true, false"
	case argSwitch:
		return "true, false"
	case argText:
		return "text"
	case argTexts:
		return "list of texts"
	case argData:
		return "`{hex: 00 ff}`, `{text: abc}` and the like"
	case argPattern:
		return "`{hex: \"00 ??\"}`, `{text: abc}` and the like, `{contains: …}`"
	case argControlCode:
		return "number, or `CTL_CODE(…)`"
	case argHandle, argOpening:
		return "handle"
	case argLocal:
		return "path"
	case argPath:
		return "path in the guest"
	case argFileName:
		return "name"
	case argEnv:
		return "`{NAME: text}`"
	case argInput:
		return "`{text: abc}` and the like"
	case argRegName:
		return "text"
	case argRegistry:
		return "number, text, list, `{hex: 00ff}` and the like"
	case argTags:
		return "list of texts"
	case argExit:
		return "number, or a list of them"
	case argOutput:
		return "`{contains: …}` and the like"
	case argVersions:
		return "two versions, `[1.0, 1.1]`"
	case argVersion:
		return "version, `1.0`"
	case argWait:
		return "`none`, `infinite`, `100ms`"
	case argDuration:
		return "duration, `500ms`"
	case argSize:
		return "size, `64KiB`"
	case argSocket, argMaking:
		return "socket"
	case argClient:
		return "client"
	case argClients:
		return "two clients"
	case argThread:
		return "thread"
	case argNumbers:
		return "list of numbers"
	case argStatus:
		return "status"
	case argName, argSlots:
		var all []string
		for _, n := range names {
			all = append(all, n.name)
		}
		text := strings.Join(all, ", ")
		if k == argSlots {
			text = "list of " + text
		}
		return text
	}
	return "number"
}
