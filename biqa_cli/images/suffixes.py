"""The suffixes of photos, for discovery. What a file is read as depends on its content alone."""

STANDARD = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        *(".png", ".apng", ".webp", ".avif", ".gif"),
        *(".tif", ".tiff", ".bmp", ".dib"),
        *(".heic", ".heif", ".hif"),
        ".jxl",
    }
)

# Raw files of cameras, by maker: Canon, Nikon, Sony, Fujifilm, Olympus, Panasonic, Leica, Samsung,
# Pentax, and Adobe's, which Ricoh, Leica and phones write.
CAMERA_RAW = frozenset(
    {
        *(".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".raf", ".orf", ".rw2", ".rwl"),
        *(".srw", ".pef", ".dng"),
    }
)

SUFFIXES = STANDARD | CAMERA_RAW
