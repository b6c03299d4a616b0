// WholeRecords: how much of a MANIFEST of RocksDB can be read.
//
// Source:   the format of its logs: blocks of 32 KiB; records of a header (checksum, length, kind)
//           and bytes, none across the end of a block.
#pragma once

#include <cstddef>
#include <string_view>

namespace alidade {

// Where the last whole record ends, as an offset in the file, of which `bytes` are what lies from
// `offset` on; a record begins there. `offset` itself if none is whole. RocksDB takes a record that
// is not for one that was cut short by a crash, if its length leads beyond the end of the file, and
// forgets silently what it and all behind it say: so does it with a record whose length was
// damaged.
size_t WholeRecords(std::string_view bytes, size_t offset = 0);

}  // namespace alidade
