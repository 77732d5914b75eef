package wskharness_test

import (
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"wskharness/testtime"
)

// kept is what may be exported although nothing needs it, and why.
var kept = map[string]string{
	"remote/winrmd.Consoles":             "hosts are it without naming it",
	"(*remote/winrmd.Server).ServePlain": "an endpoint has both kinds of listeners, as on Windows: only tests ask for both",
}

// TestExportsAreNeeded holds each room to what the others need of it. What a package exports is used by another one; or the
// package uses it itself, and tests that are not part of it do, too: so tests alone keep nothing alive. Fields, and methods
// that make a type fit an interface, are not looked at; nor are packages that are there for tests.
func TestExportsAreNeeded(t *testing.T) {
	if testtime.Race {
		t.Skip("it takes four times as long with the race detector: scripts/dead-code runs it without, in make check")
	}
	all := load(t, ".")
	product := slices.DeleteFunc(slices.Clone(all), func(p *packages.Package) bool {
		return p.ID != p.PkgPath || strings.HasSuffix(p.ID, ".test") || strings.HasSuffix(p.ID, "_test")
	})
	inProduct, inTests := usersOf(append(load(t, "bench"), product...)), usersOf(all)
	interfaces := map[string]bool{"MarshalText": true} // which encoding/json and fmt ask for, without anybody naming it
	for _, p := range product {
		methodsOfInterfaces(p, interfaces)
	}
	needed := neededOf(product, inProduct, inTests)
	unused := maps.Clone(kept)
	for _, p := range product {
		if forTests(p.PkgPath) || generated(p.PkgPath) {
			continue
		}
		for id, o := range p.TypesInfo.Defs {
			if o == nil || !o.Exported() || needed[name(o)] || !looksAt(o, interfaces) {
				continue
			}
			short := strings.ReplaceAll(name(o), "wskharness/", "")
			if _, ok := kept[short]; ok {
				delete(unused, short)
				continue
			}
			what := "is used by nothing but tests, if at all: remove it, or move it to them"
			if inProduct[name(o)][p.PkgPath] {
				what = "is used by its own package alone: give it a small letter"
			}
			t.Errorf("%s: %s %s", p.Fset.Position(id.Pos()), short, what)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		t.Errorf("%s is kept, and need not be: take it out of the list", name)
	}
}

// forTests reports whether a package is there for tests.
func forTests(path string) bool {
	return strings.HasSuffix(path, "test") && path != "wskharness/selftest" || strings.HasPrefix(path, "wskharness/vm/vmtest/") || path == "wskharness/testtime" || path == "wskharness/remote/internal/transcript"
}

// generated reports whether a package mirrors all of a header, whoever needs what of it.
func generated(path string) bool { return path == "wskharness/driver/abi" }

// load reads the packages of a module, with their tests: each is there as it is, and as its tests have it.
func load(t *testing.T, dir string) []*packages.Package {
	t.Helper()
	all, err := packages.Load(&packages.Config{Dir: dir, Tests: true,
		Mode: packages.NeedName | packages.NeedImports | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, err := range p.Errors {
			t.Errorf("%s: %v", p.ID, err)
		}
	}
	if len(all) == 0 || t.Failed() {
		t.Fatalf("the packages in %s could not be read", dir)
	}
	return all
}

// usersOf tells, by name, which packages use an object, or something that is of a type.
func usersOf(all []*packages.Package) map[string]map[string]bool {
	users := map[string]map[string]bool{}
	for _, p := range all {
		use := func(o types.Object) {
			if users[name(o)] == nil {
				users[name(o)] = map[string]bool{}
			}
			users[name(o)][p.PkgPath] = true
		}
		for _, o := range p.TypesInfo.Uses {
			use(o)
		}
		for _, expression := range p.TypesInfo.Types {
			typesIn(expression.Type, use)
		}
	}
	return users
}

// neededOf is what other packages use, or this one and tests that are not part of it; and every type that has a part in it.
func neededOf(product []*packages.Package, inProduct, inTests map[string]map[string]bool) map[string]bool {
	declared, needed := map[string]types.Object{}, map[string]bool{}
	for _, p := range product {
		for _, o := range p.TypesInfo.Defs {
			if field, ok := o.(*types.Var); o != nil && o.Exported() && !(ok && field.IsField()) { // which may be called as a type is
				declared[name(o)] = o
			}
		}
	}
	var add func(types.Object)
	add = func(o types.Object) {
		o = declared[name(o)]
		if o == nil || needed[name(o)] {
			return
		}
		needed[name(o)] = true
		t := o.Type()
		if _, ok := o.(*types.TypeName); ok {
			t = t.Underlying()
		}
		typesIn(t, add)
	}
	for _, o := range declared {
		elsewhere := func(user string) bool { return user != o.Pkg().Path() }
		users := slices.DeleteFunc(slices.Collect(maps.Keys(inProduct[name(o)])), forTests)
		testers := slices.Collect(maps.Keys(inTests[name(o)]))
		if slices.ContainsFunc(users, elsewhere) || len(users) > 0 && slices.ContainsFunc(testers, elsewhere) {
			add(o)
		}
	}
	return needed
}

var failure = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

// looksAt reports whether an object is one that somebody has to need: not a value of an enumeration, whose type is, nor an
// error that is told apart.
func looksAt(o types.Object, interfaces map[string]bool) bool {
	atTop := o.Parent() == o.Pkg().Scope()
	switch o := o.(type) {
	case *types.Func:
		return atTop || o.Signature().Recv() != nil && !interfaces[o.Name()]
	case *types.Const:
		_, named := o.Type().(*types.Named)
		return atTop && !named
	case *types.Var:
		return atTop && !types.Implements(o.Type(), failure)
	case *types.TypeName:
		return atTop && !types.Implements(o.Type(), failure) && !types.Implements(types.NewPointer(o.Type()), failure)
	}
	return false
}

// methodsOfInterfaces adds the names of methods of the interfaces that a package writes down, and of those of all that it is
// made of, which may ask for them.
func methodsOfInterfaces(p *packages.Package, names map[string]bool) {
	add := func(t types.Type) {
		if i, ok := t.Underlying().(*types.Interface); ok {
			for method := range i.Methods() {
				names[method.Name()] = true
			}
		}
	}
	for _, expression := range p.TypesInfo.Types {
		add(expression.Type)
	}
	for _, imported := range append(p.Types.Imports(), p.Types) {
		for _, n := range imported.Scope().Names() {
			if o, ok := imported.Scope().Lookup(n).(*types.TypeName); ok {
				add(o.Type())
			}
		}
	}
}

// typesIn calls see with each declared type that a type is made of.
func typesIn(t types.Type, see func(types.Object)) {
	switch t := t.(type) {
	case *types.Named:
		see(t.Obj())
		for argument := range t.TypeArgs().Types() {
			typesIn(argument, see)
		}
	case *types.Alias:
		see(t.Obj())
		typesIn(t.Rhs(), see)
	case *types.Map:
		typesIn(t.Key(), see)
		typesIn(t.Elem(), see)
	case *types.Tuple:
		for v := range t.Variables() {
			typesIn(v.Type(), see)
		}
	case *types.Signature:
		typesIn(t.Params(), see)
		typesIn(t.Results(), see)
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				typesIn(f.Type(), see)
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			typesIn(m.Type(), see)
		}
	case interface{ Elem() types.Type }:
		typesIn(t.Elem(), see)
	}
}

// name is an object's by which it is the same in every package that was read.
func name(o types.Object) string {
	if f, ok := o.(*types.Func); ok {
		return f.Origin().FullName()
	}
	if o.Pkg() == nil {
		return o.Name()
	}
	return o.Pkg().Path() + "." + o.Name()
}
