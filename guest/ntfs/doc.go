// Package ntfs knows when NTFS takes two names for the same.
//
//	ntfs.Fold("Straße.txt") == ntfs.Fold("STRAßE.TXT") // true: but ß is no SS, and ı no I
//
// Windows compares names unit by unit, each by the upper-case table that is on the volume. That is neither Unicode's case folding
// nor the upper case of any locale: one unit has one, characters beyond the first 65,536 have none, and é is not e with an
// accent behind it. The table is data (upcase.txt), with its source.
package ntfs
