package audio

// Extension gives the ending, with its dot, that the name of the file at path should have by what the file is; it is ""
// where that is no audio.
func Extension(path string) (string, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return "", nameClip(path, err)
	}
	defer f.Close()
	kind, _ := sniff(f, size)
	return extensions()[kind.name], nil
}

// extensions are the endings of formats, by their names.
func extensions() map[string]string {
	return map[string]string{
		"WAV": ".wav", "FLAC": ".flac", "Ogg Vorbis": ".ogg", "MP3": ".mp3", "MPEG 2.5 MP3": ".mp3", "AAC": ".aac",
		"MPEG-4": ".m4a", "AIFF": ".aiff", "AIFF-C": ".aifc", "CAF": ".caf", "AU": ".au", "AMR": ".amr", "Wave64": ".w64",
	}
}
