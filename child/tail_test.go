package child

import (
	"fmt"
	"testing"
)

func TestTail(t *testing.T) {
	for _, test := range []struct {
		said []string
		want string
	}{
		{nil, ""},
		{[]string{" \n"}, ""},
		{[]string{"short\n"}, "short"},
		{[]string{"12345678"}, "12345678"},
		{[]string{"123", "456789"}, "23456789"},
		{[]string{"what is gone", " the end"}, "the end"},
		{[]string{"\xff is not text"}, "not text"},
		{[]string{"a\xffb"}, "a\uFFFDb"},
	} {
		tail := Tail{Most: 8}
		for _, part := range test.said {
			if n, err := fmt.Fprint(&tail, part); n != len(part) || err != nil {
				t.Errorf("write %q: got %d, %v, want %d", part, n, err, len(part))
			}
		}
		if got := tail.String(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.said, got, test.want)
		}
	}
}
