package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
)

// testcase is one that is being read.
type testcase struct {
	name  string
	found []finding
	said  detail // the ends of its output
}

// finding is what an element or an attribute says of a test, or of a suite.
type finding struct {
	element   string  // or attribute
	outcome   Outcome // none of an attempt that failed before one that did not
	attribute bool
	kind      string // its type
	message   string
	body      string
}

func newTestcase(attributes []xml.Attr) *testcase {
	t := &testcase{name: attribute(attributes, "name")}
	if class := attribute(attributes, "classname"); class != "" && t.name != "" {
		t.name = class + "." + t.name
	} else if t.name == "" {
		t.name = class
	}
	if t.name == "" {
		t.name = "a test without a name"
	}
	t.found = states(attributes)
	return t
}

// states are what attributes say of a test or a suite, but for those that say that it went well.
func states(attributes []xml.Attr) []finding {
	var found []finding
	for _, a := range attributes {
		f := finding{element: a.Name.Local, outcome: OK, attribute: true}
		switch strings.ToLower(a.Name.Local) {
		case "status", "result":
			known := false
			if f.outcome, known = outcomeOfState(a.Value); !known {
				f.message = fmt.Sprintf("its %s is %q, which is none that is known", a.Name.Local, clip(a.Value, 60))
			} else {
				f.message = fmt.Sprintf("its %s is %q", a.Name.Local, clip(a.Value, 60))
			}
		case "skipped", "disabled", "ignored":
			if strings.EqualFold(a.Value, "true") {
				f.outcome, f.message = Skip, "it is "+a.Name.Local
			}
		case "executed":
			if strings.EqualFold(a.Value, "false") {
				f.outcome, f.message = Skip, "it was not executed"
			}
		case "success":
			if strings.EqualFold(a.Value, "false") {
				f.outcome, f.message = NotOK, "its success is false"
			}
		}
		if f.outcome != OK {
			found = append(found, f)
		}
	}
	return found
}

// result is the worst of what was found. Of several that are the worst the first is told; what an element says is told
// before an attribute, which has no reason to give.
func (t *testcase) result(catch bool) Result {
	one := Result{Name: t.name, Outcome: OK}
	for _, f := range t.found {
		if catch && f.outcome == Skip && strings.HasPrefix(f.message, "TEST_CASE tagged with !mayfail") {
			return Result{Name: t.name, Outcome: Todo, Detail: f.message} // Catch2's failures in it do not count
		}
		one.Outcome = worse(one.Outcome, f.as())
	}
	var told *finding
	more := 0
	for i := range t.found {
		switch f := &t.found[i]; {
		case f.as() != one.Outcome:
		case told == nil || told.attribute && !f.attribute:
			told = f
		case !f.attribute:
			more++
		}
	}
	if told != nil {
		one.Detail = told.text()
	}
	if more > 0 && one.Outcome == NotOK {
		one.Detail += fmt.Sprintf("\n(and %d more)", more)
	}
	if said := t.said.String(); said != "" && one.Outcome == NotOK {
		one.Detail = strings.TrimLeft(one.Detail+"\n"+said, "\n")
	}
	return one
}

// as is what the finding makes of its test.
func (f *finding) as() Outcome {
	switch {
	case f.outcome == "":
		return OK
	case f.outcome == Skip && f.kind == "pytest.xfail":
		return Todo // it ran, and failed, as pytest was told that it would
	case f.outcome == Skip && couldNotRun(f.message):
		return NotOK
	}
	return f.outcome
}

func worse(a, b Outcome) Outcome {
	for _, o := range []Outcome{NotOK, Skip, Todo} {
		if a == o || b == o {
			return o
		}
	}
	return OK
}

// text is the message, and the body where that says more.
func (f *finding) text() string {
	message, body := strings.TrimSpace(f.message), strings.Trim(f.body, "\r\n")
	switch plain := strings.TrimSpace(body); {
	case f.outcome == "":
		return "an attempt before it failed: " + cmp.Or(message, plain)
	case message == "" && plain == "":
		return f.kind
	case message == "":
		return strings.TrimRight(body, " \t\r\n")
	case plain == "" || strings.Contains(message, plain):
		return message
	case strings.HasPrefix(plain, message):
		return plain
	}
	return message + "\n" + strings.TrimRight(body, " \t\r\n")
}
