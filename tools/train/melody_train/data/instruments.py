"""General MIDI programs in everyday words; groups for swapping and for the instrument probe."""

GM = ('piano', 'bright piano', 'electric grand piano', 'honky-tonk piano', 'electric piano', 'FM electric piano', 'harpsichord', 'clavinet',
      'celesta', 'glockenspiel', 'music box', 'vibraphone', 'marimba', 'xylophone', 'tubular bells', 'dulcimer',
      'organ', 'percussive organ', 'rock organ', 'church organ', 'reed organ', 'accordion', 'harmonica', 'bandoneon',
      'nylon guitar', 'steel-string guitar', 'jazz guitar', 'clean electric guitar', 'muted guitar', 'overdriven guitar', 'distorted guitar', 'guitar harmonics',
      'upright bass', 'electric bass', 'picked bass', 'fretless bass', 'slap bass', 'slap bass', 'synth bass', 'synth bass',
      'violin', 'viola', 'cello', 'double bass', 'tremolo strings', 'pizzicato strings', 'harp', 'timpani',
      'strings', 'slow strings', 'synth strings', 'synth strings', 'choir', 'voice oohs', 'synth voice', 'orchestra hit',
      'trumpet', 'trombone', 'tuba', 'muted trumpet', 'french horn', 'brass section', 'synth brass', 'synth brass',
      'soprano saxophone', 'alto saxophone', 'tenor saxophone', 'baritone saxophone', 'oboe', 'english horn', 'bassoon', 'clarinet',
      'piccolo', 'flute', 'recorder', 'pan flute', 'bottle', 'shakuhachi', 'whistle', 'ocarina',
      'square lead', 'saw lead', 'calliope lead', 'chiff lead', 'charang lead', 'voice lead', 'fifths lead', 'bass and lead',
      'warm pad', 'warm pad', 'polysynth pad', 'choir pad', 'glass pad', 'metallic pad', 'halo pad', 'sweep pad',
      'rain pad', 'soundtrack pad', 'crystal bells', 'atmosphere pad', 'brightness pad', 'goblin pad', 'echo pad', 'sci-fi pad',
      'sitar', 'banjo', 'shamisen', 'koto', 'kalimba', 'bagpipes', 'fiddle', 'shanai',
      'tinkle bell', 'agogo', 'steel drums', 'woodblock', 'taiko drum', 'melodic tom', 'synth drum', 'reverse cymbal',
      'fret noise', 'breath noise', 'seashore', 'bird', 'telephone', 'helicopter', 'applause', 'gunshot')

# what the instrument probe is asked: coarse classes that one can hear in a mix
CLASSES = ('piano', 'electric piano', 'mallets', 'organ', 'accordion', 'acoustic guitar', 'electric guitar', 'distorted guitar', 'acoustic bass',
           'electric bass', 'synth bass', 'solo strings', 'strings', 'choir', 'brass', 'saxophone', 'woodwind', 'synth lead', 'pad', 'plucked', 'other', 'drums')
_RANGES = ((0, 4, 'piano'), (4, 6, 'electric piano'), (6, 8, 'plucked'), (8, 15, 'mallets'), (15, 16, 'plucked'), (16, 21, 'organ'), (21, 24, 'accordion'),
           (24, 26, 'acoustic guitar'), (26, 29, 'electric guitar'), (29, 32, 'distorted guitar'), (32, 33, 'acoustic bass'), (33, 38, 'electric bass'),
           (38, 40, 'synth bass'), (40, 43, 'solo strings'), (43, 44, 'acoustic bass'), (44, 45, 'strings'), (45, 47, 'plucked'), (47, 48, 'other'),
           (48, 52, 'strings'), (52, 55, 'choir'), (55, 56, 'other'), (56, 64, 'brass'), (64, 68, 'saxophone'), (68, 80, 'woodwind'),
           (80, 88, 'synth lead'), (88, 104, 'pad'), (104, 109, 'plucked'), (109, 110, 'woodwind'), (110, 111, 'solo strings'), (111, 112, 'woodwind'),
           (112, 116, 'mallets'), (116, 128, 'other'))
CLASS_OF = [next(name for lo, hi, name in _RANGES if lo <= p < hi) for p in range(128)]

# programs that may stand in for one another in an accompaniment
ROLES = ((0, 1, 2, 4, 5, 7, 16, 24, 25, 26, 27), (6, 8, 11, 12, 15, 46, 10), (16, 17, 18, 20, 21), (24, 25, 26, 27, 28, 0, 4), (29, 30, 27), (48, 49, 50, 51, 52, 88, 89, 90, 91),
         (56, 57, 60, 61, 65, 66, 71), (32, 33, 34, 35), (36, 38, 39, 33), (68, 71, 73, 75, 40), (80, 81, 62, 90))
LEADS = (0, 0, 4, 11, 12, 9, 21, 22, 24, 25, 26, 29, 40, 42, 56, 57, 60, 64, 65, 66, 68, 71, 73, 74, 75, 80, 81, 80, 73, 65, 78, 46, 105, 52)
SYNONYMS = {'piano': ('piano', 'grand piano', 'acoustic piano'), 'electric piano': ('electric piano', 'Rhodes', 'e-piano'), 'nylon guitar': ('nylon guitar', 'classical guitar', 'acoustic guitar', 'Spanish guitar'),
            'steel-string guitar': ('steel-string guitar', 'acoustic guitar', 'folk guitar'), 'clean electric guitar': ('clean electric guitar', 'electric guitar'),
            'distorted guitar': ('distorted guitar', 'electric guitar', 'heavy guitar'), 'overdriven guitar': ('overdriven guitar', 'electric guitar', 'crunchy guitar'),
            'alto saxophone': ('alto saxophone', 'saxophone', 'sax', 'alto sax'), 'tenor saxophone': ('tenor saxophone', 'saxophone', 'sax', 'tenor sax'), 'soprano saxophone': ('soprano saxophone', 'saxophone', 'sax'),
            'strings': ('strings', 'string section', 'string ensemble'), 'slow strings': ('strings', 'slow strings', 'string pad'), 'synth strings': ('synth strings', 'strings'),
            'upright bass': ('upright bass', 'double bass', 'acoustic bass', 'bass'), 'electric bass': ('electric bass', 'bass guitar', 'bass'), 'picked bass': ('picked bass', 'bass guitar', 'bass'),
            'synth bass': ('synth bass', 'electronic bass', 'bass'), 'square lead': ('square lead', 'square wave', 'synth lead', '8-bit lead'), 'saw lead': ('saw lead', 'synth lead', 'sawtooth synth'),
            'organ': ('organ', 'Hammond organ'), 'rock organ': ('rock organ', 'organ'), 'warm pad': ('warm pad', 'synth pad', 'pad'), 'choir': ('choir', 'voices', 'choir aahs'), 'flute': ('flute',),
            'brass section': ('brass section', 'brass', 'horns'), 'synth brass': ('synth brass', 'brass'), 'polysynth pad': ('polysynth', 'synth pad', 'pad'), 'drums': ('drums', 'drum kit', 'percussion')}
