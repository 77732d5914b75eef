// Package strictyaml reads YAML files that people write by hand, and tells them of every mistake at
// once, each with its file, line and column, and with what was expected there.
//
// It is the only package that knows YAML libraries: yaml.v3 reads, and its successor is asked what is wrong with what that has
// refused, of which it tells more. Files are read into a tree of nodes that keep
// their places, since decoding into structs loses the column, stops at the first mistake and
// ignores whatever follows the first document. Configuration and suites read their values from
// that tree:
//
//	r := strictyaml.NewReporter("wskharness.yaml")
//	root := strictyaml.Parse(data, r)
//	if m, ok := r.Mapping(root, "the configuration"); ok {
//		if n := m.Take("out"); n != nil {
//			config.Out, _ = r.Text(n, "out")
//		}
//		m.Done() // whatever nobody took is a mistake
//	}
//	return r.Err()
package strictyaml
