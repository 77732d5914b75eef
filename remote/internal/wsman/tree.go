package wsman

import (
	"strings"
)

// Element is one element of an envelope, with its namespace resolved.
type Element struct {
	Space, Local string
	Attrs        []Attr // without namespace declarations
	Children     []*Element
	Text         string // the character data directly inside, in one piece
}

// Attr is an attribute. One without a prefix has no namespace.
type Attr struct {
	Space, Local, Value string
}

// Child is the first child with that name, or nil. It may be called on nil.
func (e *Element) Child(space, local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Space == space && c.Local == local {
			return c
		}
	}
	return nil
}

// All are the children with that name, in order. It may be called on nil.
func (e *Element) All(space, local string) []*Element {
	if e == nil {
		return nil
	}
	var found []*Element
	for _, c := range e.Children {
		if c.Space == space && c.Local == local {
			found = append(found, c)
		}
	}
	return found
}

// Attr is the value of an attribute, "" when absent. It may be called on nil.
func (e *Element) Attr(space, local string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.Attrs {
		if a.Space == space && a.Local == local {
			return a.Value
		}
	}
	return ""
}

// Content is the text inside with the white space around it removed. It may be called on nil.
func (e *Element) Content() string {
	if e == nil {
		return ""
	}
	return strings.TrimSpace(e.Text)
}
