package disk

// Sharing is what others than this user may do with a file or folder. Those who may do everything on the machine anyway, root
// or administrators and the system, are not others.
type Sharing struct {
	Owner  string // whose it is, where that is another user: "user 1001"; empty: this user's own
	System bool   // that other user is root, or the system's
	Read   bool   // others may read it; a folder: list it
	Write  bool   // others may write to it
	How    string // how that shows: "mode 0644", "Everyone may read it"
}
