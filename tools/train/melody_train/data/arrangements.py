"""What each of our own styles is made of: layers and drum patterns for arranger.Arranger. GM program numbers count from 0."""

from .arranger import (
    AGOGO,
    CABASA,
    CLAP,
    CONGA,
    HAT,
    HIGH_TOM,
    KICK,
    LOW_CONGA,
    LOW_TOM,
    OPEN,
    PEDAL,
    RIDE,
    RIM,
    SHAKER,
    SNARE,
    SURDO,
    TAMBOURINE,
    TIMBALE,
    TRIANGLE,
    Layer,
    Spec,
)

FOUR = ('X...X...X...X...',)
BACKBEAT = ('....X.......X...',)
OFFBEAT = ('..x...x...x...x.',)
EIGHTHS = ('x.x.x.x.x.x.x.x.', 'X.o.x.o.X.o.x.o.')
SIXTEENTHS = ('xoxoxoxoxoxoxoxo', 'x.xox.xox.xox.xo')
UP16 = ('0123012301230123', '0121012101210121', '0213021302130213', '0120123012012301', '0.12.30.12.30.12', '01.201.201.201.2')
UP8 = ('0-1-2-3-2-1-2-1-', '0-2-1-2-0-2-1-2-', '0-1-2-1-3-2-1-2-', '0-1-2-3-4-3-2-1-')
SYNTH_PADS, SYNTH_ARPS, SYNTH_BASS = (89, 90, 50, 51, 94), (80, 81, 87, 84), (38, 39)

SPECS = {
    'piano_ballad': Spec(
        (
            Layer(
                'broken',
                (0, 0, 0, 1),
                ('0---2---3---2---', '0-1-2-3-2-1-2-1-', '0---2-3-4---3---', '0-------2---3---', '0-1-2-3-4-3-2-3-'),
                velocity=66,
                volume=100,
            ),
            Layer('stab', (0,), ('x---------------', 'x-------x-------', '........x-------'), low=57, velocity=56, volume=92, chance=0.5),
            Layer('pad', (48, 49, 89), low=55, velocity=54, volume=70, chance=0.3),
        ),
        lead_density=(0.1, 0.5),
        lead_chance=0.9,
        human=0.01,
    ),
    'solo_piano': Spec(
        (
            Layer(
                'broken',
                (0,),
                ('0-1-2-1-3-1-2-1-', '02130213', '0-3-2-3-0-3-2-3-', '0123210-', '0-2-3-2-4-2-3-2-'),
                velocity=70,
                volume=104,
            ),
        ),
        lead_density=(0.3, 0.8),
        lead_chance=0.95,
        human=0.008,
    ),
    'fingerpicking': Spec(
        (
            Layer('broken', (24, 25), ('0-3-2-4-1-3-2-4-', '0-2-3-2-1-2-3-2-', '0---2-3-1---2-3-'), velocity=80, volume=104),
            Layer('bass', (32, 35), ('r-------5-------',), low=31, volume=78, chance=0.35),
        ),
        lead_chance=0.65,
        lead_density=(0.1, 0.6),
        human=0.008,
    ),
    'strings': Spec(
        (
            Layer('pad', (48, 49), low=55, velocity=74, volume=104),
            Layer('bass', (42, 43), ('r---------------', 'r-------5-------'), low=36, volume=100),
            Layer('arp', (46, 45), UP8, low=60, chance=0.35, volume=80),
        ),
        lead_chance=0.85,
        lead_density=(0.05, 0.4),
        human=0.012,
    ),
    'music_box': Spec(
        (
            Layer('arp', (10, 10, 9, 8), UP8 + ('0-2-1-2-0-2-',), low=72, velocity=76, volume=104),
            Layer('pad', (89, 48), low=55, velocity=48, volume=62, chance=0.3),
        ),
        lead_chance=0.7,
        lead_density=(0.1, 0.4),
    ),
    'samba': Spec(
        (
            Layer('stab', (24, 24, 25, 0), ('x..x.x..x.x..x..', '.x.x..x.x.x..x.x', 'x.x..x.x.x..x.x.'), low=55, volume=92),
            Layer('bass', (33, 32, 35), ('r-..5--5r-..5--5', 'r--5----r--5----'), low=31, volume=100),
        ),
        (
            (SURDO, ('o...X..oo...X..o', '....X.......X..o')),
            (SHAKER, ('XooxXooxXooxXoox',)),
            (TAMBOURINE, ('x..xx..xx..xx..x', 'xx.xxx.xxx.xxx.x')),
            (AGOGO, ('x.x..x.x.x.x..x.', '..x.x..x..x.x.x.')),
            (SNARE, ('ooxooxoxoxooxooX', 'o.xo.xo.xo.xo.xo')),
            (RIM, ('x..x..x...x.x...',)),
        ),
        lead_density=(0.3, 0.8),
    ),
    'calypso': Spec(
        (
            Layer('stab', (24, 114, 25), ('..x...x...x...x.', 'x..x..x.x..x..x.'), low=57, volume=88),
            Layer('bass', (33, 32), ('r-....5-o-....5-', 'r--5--o-........'), low=31, volume=100),
        ),
        ((KICK, ('X...X...X...X...', 'X.......X.......')), (RIM, ('...x..x....x..x.',)), (CABASA, EIGHTHS), (CONGA, ('....x.x.....x.xx',))),
        lead_density=(0.3, 0.7),
    ),
    'waltz': Spec(
        (
            Layer('stab', (48, 0, 21), ('....x-..x-..',), low=57, volume=86),
            Layer('bass', (32, 43, 58), ('r---........', 'r-----------'), low=36, volume=100),
            Layer('pad', (48, 49), low=60, velocity=58, volume=70, chance=0.4),
        ),
        beats=3,
        steps=12,
        lead_density=(0.1, 0.6),
    ),
    'jig': Spec(
        (
            Layer('stab', (25, 24, 21), ('X.x.x.X.x.x.', 'X---x-X---x-'), low=52, volume=88),
            Layer('bass', (32, 35, 43), ('r-----5-----', 'r---r-5---5-'), low=33, volume=92, chance=0.8),
            Layer('pad', (109, 48, 21), low=48, velocity=52, volume=58, chance=0.4),
        ),
        ((LOW_TOM, ('X...o.x...o.', 'X..o.oX..o.o')), (TAMBOURINE, ('..x.x...x.x.', 'x...x.x...x.'))),
        beats=2,
        steps=12,
        lead_density=(0.6, 1.0),
        lead_chance=1.0,
    ),
    'medieval': Spec(
        (Layer('arp', (15, 46, 24, 6), UP8, low=57, volume=92), Layer('pad', (109, 20, 68), low=45, velocity=54, volume=62, chance=0.5)),
        ((LOW_TOM, ('X...x.x.X...x.x.', 'X.....x.X.......')), (TAMBOURINE, ('....x.......x...', '..x...x...x...x.'))),
        lead_density=(0.2, 0.7),
        lead_chance=0.9,
    ),
    'organ': Spec(
        (
            Layer('pad', (19,), low=52, velocity=84, volume=104),
            Layer('bass', (19,), ('r---------------', 'r-------5-------', 'r---o---5---3---'), low=36, volume=100),
            Layer('arp', (19,), UP8, low=60, volume=92, chance=0.4),
        ),
        lead_chance=0.6,
        lead_density=(0.1, 0.6),
    ),
    'funk': Spec(
        (
            Layer('stab', (27, 28, 7), ('..x..x.x..x..x.x', 'x..x..x...x.x..x', '.x.x...x.x.x...x'), low=57, volume=92),
            Layer('bass', (36, 33, 37), ('r..r..o.r.5.r..o', 'r.r...o.r..5..or', 'r--.o.r..r.5o...'), low=28, volume=108),
            Layer('stab', (16, 61, 4), ('X-......x.......', '......X...X.....', '............x.x.'), low=60, chance=0.6, volume=82),
        ),
        (
            (KICK, ('X..X..X.......x.', 'X.......X.x.....', 'X.x...x...X.....')),
            (SNARE, ('....X..o.o..X...', '....X..o....X..o')),
            (HAT, SIXTEENTHS),
            (OPEN, ('..............x.',)),
        ),
    ),
    'disco': Spec(
        (
            Layer('bass', (33, 36, 38), ('r-o-r-o-r-o-r-o-', 'r..or.o.r..or.o.'), low=28, volume=108),
            Layer('stab', (27, 28), ('..xx..xx..xx..xx', 'x.xxx.xxx.xxx.xx'), low=57, volume=78),
            Layer('pad', (48, 50), low=60, velocity=66, volume=80, chance=0.8),
            Layer('stab', (4, 0, 61), ('x..x..x.....x...',), low=57, chance=0.5),
        ),
        ((KICK, FOUR), (SNARE, BACKBEAT), (CLAP, BACKBEAT), (OPEN, OFFBEAT), (HAT, ('x.o.x.o.x.o.x.o.',)), (CONGA, ('..x..xx...x..x.x',))),
    ),
    'rock': Spec(
        (
            Layer('octaves', (29, 30), ('X.x.x.x.X.x.x.x.', 'X--x--x-X--x--x-', 'X-------x---x---', 'X.x.x.xxX.x.x.xx'), low=40, volume=88),
            Layer('bass', (33, 34), ('r.r.r.r.r.r.r.r.', 'r--r--r-r--r--5-', 'r-----r-r---5---'), low=28, volume=108),
            Layer('stab', (16, 18, 27), ('x-------x-------', 'x---------------'), low=60, chance=0.4, volume=72),
        ),
        ((KICK, ('X.....x.X.......', 'X..x..X...x.....', 'X.......X.x.....')), (SNARE, BACKBEAT), (HAT, EIGHTHS)),
        kit=16,
        lead_density=(0.2, 0.8),
        lead_chance=0.7,
    ),
    'metal': Spec(
        (
            Layer(
                'octaves',
                (30,),
                ('X.xxX.xxX.xxX.xx', 'XxxxXxxxXxxxXxxx', 'X..X..X...X.X...', 'X-------xxxxx.x.'),
                low=36,
                volume=92,
                pan=40,
            ),
            Layer('octaves', (30, 29), ('X---------------', 'X-------X-------', 'X..X..X...X.X...'), low=43, volume=84, pan=88),
            Layer('bass', (34, 33), ('r.rrr.rrr.rrr.rr', 'rrrrrrrrrrrrrrrr', 'r..r..r...r.r...'), low=28, volume=104),
        ),
        (
            (KICK, ('X.xxX.xxX.xxX.xx', 'xxxxxxxxxxxxxxxx', 'X..X..X...X.X...')),
            (SNARE, ('....X.......X...', '........X.......')),
            (RIDE, ('x...x...x...x...', 'x.x.x.x.x.x.x.x.')),
            (OPEN, ('X...............',)),
        ),
        kit=16,
        lead_chance=0.6,
        lead_density=(0.4, 0.9),
    ),
    'punk': Spec(
        (
            Layer('octaves', (30, 29), ('XxxxXxxxXxxxXxxx', 'X.x.X.x.X.x.X.x.'), low=40, volume=92),
            Layer('bass', (34, 33), ('r.r.r.r.r.r.r.r.',), low=28, volume=106),
        ),
        (
            (KICK, ('X...X.X.X...X.X.', 'X.......X.X.....')),
            (SNARE, ('..X...X...X...X.', '....X.......X...')),
            (OPEN, ('x.x.x.x.x.x.x.x.',)),
        ),
        kit=16,
        lead_chance=0.4,
    ),
    'reggae': Spec(
        (
            Layer('stab', (27, 16, 28), ('....x.......x...', '....x.x.....x.x.'), low=57, volume=90),
            Layer('bass', (33, 32, 38), ('r-..r.5-..o-..5-', '....r--5r--.5-r.', 'r--.....r.r-5-..'), low=28, volume=114),
            Layer('stab', (16, 17), ('..x...x...x...x.', '..x.x...x.x.x...'), low=60, chance=0.6, volume=72),
        ),
        (
            (KICK, ('........X.......', 'X.......X.......', 'X...X...X...X...')),
            (RIM, ('........X.......', '....x...X.......')),
            (HAT, ('x.oxx.oxx.oxx.ox', 'x.x.x.x.x.x.x.x.')),
        ),
        swing=0.2,
        lead_density=(0.1, 0.5),
    ),
    'oriental': Spec(
        (
            Layer('arp', (104, 15, 107, 106), ('0-1-0-2-0-1-3-2-', '00.100.200.10012'), low=52, volume=92),
            Layer('pad', (91, 109, 48), low=45, velocity=56, volume=70, chance=0.7),
        ),
        (
            (LOW_CONGA, ('X..x..X.x...X...', 'X..o..X.o...o.o.')),
            (CONGA, ('..x..x...xx..x.x',)),
            (TAMBOURINE, ('..x...x...x...x.', 'x..x..x.x..x..x.')),
            (TIMBALE, ('............o.oo',)),
        ),
        lead_chance=0.95,
        lead_density=(0.3, 0.8),
    ),
    'trance': Spec(
        (
            Layer('arp', SYNTH_ARPS, UP16, low=64, velocity=88, volume=88),
            Layer('bass', SYNTH_BASS, ('..r...r...r...r.', '.rrr.rrr.rrr.rrr', '..rr..rr..rr..rr'), low=28, volume=112),
            Layer('pad', SYNTH_PADS, low=55, velocity=74, volume=84, chance=0.85),
            Layer('stab', (81, 90, 62), ('x..x..x.x..x..x.', 'x..x..x...x..x..'), low=60, chance=0.4, volume=72),
        ),
        ((KICK, FOUR), (OPEN, OFFBEAT), (CLAP, BACKBEAT), (HAT, SIXTEENTHS)),
        kit=24,
        human=0,
        build=True,
        lead_chance=0.55,
        lead_density=(0.1, 0.6),
    ),
    'techno': Spec(
        (
            Layer(
                'ostinato',
                (81, 87, 38, 80, 102),
                ('x.xx..x.x.xx..x.', 'x..x..x.x..x.x..', 'xxxxxxxxxxxxxxxx', '..x..x..x..x..x.'),
                low=48,
                volume=88,
            ),
            Layer('bass', SYNTH_BASS, ('..r...r...r...r.', 'r.rrr.rrr.rrr.rr', '.rrr.rrr.rrr.rrr'), low=28, volume=112),
            Layer('stab', (90, 81, 55), ('......x.........', '...x......x.....'), low=57, chance=0.5, volume=78),
            Layer('pad', (95, 91), low=48, velocity=54, volume=66, chance=0.3),
        ),
        (
            (KICK, FOUR),
            (HAT, ('..o...o...o...o.', 'xoxoxoxoxoxoxoxo')),
            (OPEN, OFFBEAT),
            (CLAP, ('....X.......X...', '............X...')),
            (RIM, ('x..x..x...x..x..', '..x....x..x....x')),
        ),
        kit=25,
        human=0,
        build=True,
        lead_chance=0.15,
    ),
    'house': Spec(
        (
            Layer('stab', (0, 4, 16, 17), ('x..x..x...x..x..', '..x...x...x..x..', 'x.....x..x......'), low=57, volume=92),
            Layer('bass', (38, 39, 33), ('..r...r...r...r.', 'r..r..o.r..r.o..', '..r..r.o..r..r..'), low=28, volume=112),
            Layer('pad', SYNTH_PADS + (48,), low=55, velocity=62, volume=72, chance=0.5),
        ),
        ((KICK, FOUR), (CLAP, BACKBEAT), (OPEN, OFFBEAT), (HAT, SIXTEENTHS), (SHAKER, ('xoxoxoxoxoxoxoxo',))),
        kit=25,
        human=0,
        build=True,
        lead_chance=0.4,
        lead_density=(0.1, 0.5),
    ),
    'eurodance': Spec(
        (
            Layer('stab', (81, 90, 62), ('x..x..x...x.x...', 'x.x.x..x.x..x.x.'), low=60, volume=88),
            Layer('bass', SYNTH_BASS, ('..r...r...r...r.', 'r.o.r.o.r.o.r.o.'), low=28, volume=112),
            Layer('pad', SYNTH_PADS, low=55, volume=76, chance=0.6),
        ),
        ((KICK, FOUR), (CLAP, BACKBEAT), (OPEN, OFFBEAT), (HAT, EIGHTHS)),
        kit=24,
        human=0,
        lead_density=(0.4, 0.8),
    ),
    'drum_and_bass': Spec(
        (
            Layer('bass', (38, 39, 87), ('r---------o---r-', 'r-----r-..5-....', 'r--r--r-o--.r---'), low=28, volume=114),
            Layer('pad', SYNTH_PADS + (91,), low=55, velocity=70, volume=80),
            Layer('arp', SYNTH_ARPS + (4,), UP16, low=64, chance=0.4, volume=72),
        ),
        (
            (KICK, ('X.........X.....', 'X..x......X.....')),
            (SNARE, ('....X.......X...', '....X..o.o..X..o')),
            (HAT, SIXTEENTHS),
            (RIDE, ('x...x...x...x...', '................')),
        ),
        kit=24,
        human=0.001,
        lead_chance=0.4,
        lead_density=(0.05, 0.4),
    ),
    'downtempo': Spec(
        (
            Layer('stab', (4, 5, 11), ('x-------......x-', '..x-----..x-----'), low=55, volume=86),
            Layer('bass', (38, 33, 35), ('r-----..r-..5-..', 'r---....o-r-....'), low=28, volume=110),
            Layer('pad', (89, 91, 95, 48), low=52, velocity=62, volume=78, chance=0.7),
        ),
        ((KICK, ('X.....x...X.....', 'X..x......x.....')), (SNARE, BACKBEAT), (HAT, ('x.x.x.xxx.x.x.x.', 'xox.xoxox.x.xox.'))),
        kit=25,
        swing=0.15,
        lead_density=(0.05, 0.4),
        lead_chance=0.6,
    ),
    'lofi': Spec(
        (
            Layer('stab', (4, 4, 5, 0), ('x-----..x-----..', 'x-------..x-----', '..x---..x-------'), low=55, velocity=70, volume=96),
            Layer('bass', (32, 33, 35), ('r-----..r-..5-..', 'r-......5-..r-..', 'r-----5-..r-....'), low=28, volume=106),
            Layer('arp', (11, 24, 26), ('..0...2...1.....', '0...2..1....3...'), low=64, chance=0.4, volume=72),
            Layer('pad', (89, 91), low=52, velocity=48, volume=58, chance=0.3),
        ),
        (
            (KICK, ('X......xX.......', 'X..x....X.x.....', 'X.....x.X.......')),
            (SNARE, ('....x.......x...', '....x.......x..o')),
            (HAT, ('x.x.x.x.x.x.x.xo', 'x.o.x.o.x.oox.o.')),
        ),
        kit=25,
        swing=0.3,
        human=0.01,
        lead_density=(0.05, 0.4),
        lead_chance=0.6,
    ),
    'synthwave': Spec(
        (
            Layer('bass', SYNTH_BASS, ('r.r.r.r.r.r.r.r.', 'rrrrrrrrrrrrrrrr', 'r.rrr.rrr.rrr.rr'), low=28, volume=110),
            Layer('pad', SYNTH_PADS, low=55, velocity=74, volume=88),
            Layer('arp', (80, 81, 87), UP16 + UP8, low=64, chance=0.6, volume=76),
        ),
        (
            (KICK, ('X.......X.......', 'X...X...X...X...')),
            (SNARE, BACKBEAT),
            (HAT, EIGHTHS),
            (LOW_TOM, ('................', '..............xx')),
        ),
        kit=24,
        human=0,
        lead_density=(0.1, 0.5),
    ),
    'ambient': Spec(
        (
            Layer('pad', (88, 89, 91, 94, 95, 48, 52), low=52, velocity=76, volume=104),
            Layer('pad', (99, 92, 49, 97), low=60, velocity=54, volume=76, chance=0.6),
            Layer('bass', (38, 89, 95), ('r---------------',), low=33, volume=84, chance=0.6),
            Layer('arp', (98, 14, 10, 4, 46), ('0.......2.......', '0-----1-----2---', '....2.....1...3.'), low=67, chance=0.5, volume=74),
        ),
        lead_chance=0.35,
        lead_density=(0, 0.2),
        human=0.02,
    ),
    'dark_ambient': Spec(
        (
            Layer('pad', (95, 91, 101, 44), low=43, velocity=74, volume=104),
            Layer('bass', (38, 43, 95), ('r---------------',), low=26, volume=100),
            Layer('tremolo', (44,), low=60, velocity=52, volume=64, chance=0.3),
            Layer('arp', (14, 98, 10), ('0...............', '........2.......', '..........1...0.'), low=60, chance=0.5, volume=80),
        ),
        ((SURDO, ('X...............', 'X.......o.......', '................')),),
        kit=48,
        lead_chance=0.2,
        lead_density=(0, 0.2),
        human=0.02,
    ),
    'new_age': Spec(
        (
            Layer('arp', (0, 46, 11, 24), UP8, low=55, velocity=70, volume=98),
            Layer('pad', (89, 88, 48, 52), low=52, velocity=60, volume=84),
            Layer('bass', (32, 35), ('r---------------', 'r-------5-------'), low=33, volume=80, chance=0.5),
        ),
        lead_chance=0.6,
        lead_density=(0.05, 0.35),
        human=0.01,
    ),
    'chiptune': Spec(
        (
            Layer('arp', (80, 80, 81), UP16, low=60, velocity=78, volume=78),
            Layer('bass', (80, 87, 38), ('r.r.o.r.r.r.o.r.', 'r.o.r.o.r.o.r.o.', 'r-..r.5.o-..5.r.'), low=36, volume=92),
            Layer('arp', (81, 80), ('0-2-1-2-0-2-1-2-', '0.1.2.1.0.1.2.1.'), low=67, chance=0.3, volume=66),
        ),
        ((KICK, ('X...X...X...X...', 'X.......X.x.....', 'X..x..x.X.......')), (SNARE, BACKBEAT), (HAT, EIGHTHS + SIXTEENTHS)),
        kit=24,
        human=0,
        lead_density=(0.4, 0.9),
        lead_chance=0.95,
    ),
    'puzzle': Spec(
        (
            Layer('arp', (12, 11, 9, 13, 45, 8), UP8 + ('0.2.1.3.0.2.1.2.', '0..1..2.0..1..2.'), low=62, volume=96),
            Layer('bass', (32, 45, 43, 33), ('r...5...r...5...', 'r-....r-5-......', 'r..r..5.r..r..5.'), low=33, volume=96),
            Layer('stab', (45, 24, 12), ('..x...x...x...x.', '....x.......x...'), low=57, chance=0.5, volume=80),
        ),
        (
            (SHAKER, ('xoxoxoxoxoxoxoxo', '..x...x...x...x.')),
            (RIM, ('....x.......x...', '......x...x.....')),
            (TRIANGLE, ('........x.......', '................')),
            (KICK, ('X.......X.......', '................')),
        ),
        lead_density=(0.1, 0.6),
        lead_chance=0.7,
    ),
    'battle': Spec(
        (
            Layer('ostinato', (48, 81, 30, 44), ('xxxxxxxxxxxxxxxx', 'x.xxx.xxx.xxx.xx', 'x..x..x.x..x..x.'), low=55, volume=88),
            Layer('octaves', (30, 57, 61, 58), ('X---X---X---X---', 'X..X..X...X.X...', 'X-------X-------'), low=36, volume=88),
            Layer('bass', (34, 43, 38), ('rrrrrrrrrrrrrrrr', 'r.r.r.r.r.r.r.r.'), low=28, volume=104),
            Layer('pad', (48, 52), low=57, velocity=76, volume=80, chance=0.6),
        ),
        (
            (KICK, ('X...X...X...X...', 'X.xxX.xxX.xxX.xx')),
            (SNARE, ('....X.......X...', '....X..x....X.xx')),
            (HAT, EIGHTHS),
            (HIGH_TOM, ('................', '............x.xx')),
        ),
        kit=16,
        lead_density=(0.4, 0.9),
    ),
    'orchestral': Spec(
        (
            Layer('pad', (48, 48, 52), low=55, velocity=84, volume=98),
            Layer('bass', (43, 58, 42), ('r---------------', 'r---r---r---r---', 'r-------5-------'), low=33, volume=104),
            Layer('ostinato', (48, 45, 44), ('x.xxx.xxx.xxx.xx', 'x.x.x.x.x.x.x.x.', 'xxxxxxxxxxxxxxxx'), low=57, chance=0.6, volume=84),
            Layer('stab', (61, 60, 57), ('X-------x-------', 'X---......x-x---'), low=52, chance=0.7, volume=88),
        ),
        (
            (SURDO, ('X.......X...x.x.', 'X...X...X...X.xx', 'X...............')),
            (SNARE, ('................', 'x.xxx.xxx.xxx.xx', '............xxxx')),
        ),
        kit=48,
        lead_density=(0.05, 0.5),
        lead_chance=0.8,
    ),
    'quartet': Spec(
        (
            Layer('stab', (40, 41), ('..x...x...x...x.', 'x-x-x-x-x-x-x-x-'), low=60, volume=88, pan=40),
            Layer('arp', (41,), UP8, low=52, volume=88, pan=80),
            Layer('bass', (42,), ('r---5---r---5---', 'r-------5-------', 'r-r-r-r-r-r-r-r-'), low=36, volume=100),
        ),
        lead_chance=1.0,
        lead_density=(0.3, 0.8),
    ),
    'suspense': Spec(
        (
            Layer('ostinato', (45, 12, 47, 11), ('x.x.x.x.x.x.x.x.', 'x..x..x.x..x..x.', 'x.xx..x.x.xx..x.'), low=48, volume=96),
            Layer('tremolo', (44,), low=57, velocity=60, volume=76, chance=0.5),
            Layer('bass', (43, 32, 38), ('r---------------', 'r.......r.5.....'), low=33, volume=100),
            Layer('pad', (48, 91, 95), low=52, velocity=58, volume=72, chance=0.5),
        ),
        (
            (SHAKER, ('..x...x...x...x.', '................')),
            (PEDAL, ('....x.......x...',)),
            (SURDO, ('X...............', 'X.........x.....')),
        ),
        kit=48,
        lead_chance=0.4,
        lead_density=(0, 0.4),
    ),
    'harp': Spec(
        (
            Layer('broken', (46,), ('0-1-2-3-4-3-2-1-', '01234321', '0-2-3-4-3-4-3-2-', '0-1-2-3-'), velocity=82, volume=108),
            Layer('pad', (48, 89), low=52, velocity=46, volume=56, chance=0.3),
        ),
        lead_chance=0.6,
        lead_density=(0.05, 0.4),
        human=0.01,
    ),
}
