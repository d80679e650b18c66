# Listens for digits in WAV files, whose names come on standard input. Prints a line for each digit,
# "FILE MS DIGIT", and at the end "frames N". They are no digits: what is heard is a mistake.

import sys

from usip.media.inband import Detector
from usip.media.wav import Reader


def main():
    detector = Detector()
    pcm = bytearray(320)
    frames = 0
    while True:
        name = sys.stdin.readline().strip()
        if not name:
            break
        with open(name, "rb") as f:
            reader = Reader(f)
            detector.reset()
            begin = frames
            n = 160
            while n == 160:
                n = reader.readinto(pcm)
                frames += 1
                d = detector.hear(pcm)
                if d:
                    print(name, 20 * (frames - begin), str(d, "ascii"))
    print("frames", frames)


main()
