package vmimage

import "testing"

func TestBuild(t *testing.T) {
	g, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", g)
}
