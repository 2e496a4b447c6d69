package audio

// converter is the program that macOS has for turning any audio that it knows into WAV.
const converter = "/usr/bin/afconvert"
