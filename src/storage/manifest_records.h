// WholeRecords: how much of a MANIFEST of RocksDB can be read.
//
// Source:   the format of its logs: blocks of 32 KiB; records of a header (checksum, length, kind)
//           and bytes, none across the end of a block.
#pragma once

#include <cstddef>
#include <string_view>

namespace alidade {

// Bytes from the beginning on that are whole records. RocksDB takes a record that is not for one
// that was cut short by a crash, if its length leads beyond the end of the file, and forgets
// silently what it and all behind it say: so does it with a record whose length was damaged.
size_t WholeRecords(std::string_view manifest);

}  // namespace alidade
