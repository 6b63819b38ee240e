"""The styles: name, family, tempo range, harmony, moods, uses, other names, and where the arrangement comes from.

`sources` name MMA style files ('stdlib/bossanova', with an optional '#regex' on groove names) or our own arranger ('own:trance').
The file is drawn first, then the groove, so that families with many variants do not dominate.
"""
from __future__ import annotations

from typing import NamedTuple


class Style(NamedTuple):
    name: str
    family: str
    tempo: tuple          # felt beats a minute, low and high
    harmony: str          # key of theory.PROGRESSIONS
    weight: float         # relative share of clips
    minor: float          # probability of the minor mode
    moods: tuple
    uses: tuple
    other_names: tuple
    sources: tuple
    leads: tuple = ()     # GM programs its melody prefers; empty: any of captions.LEADS


def _style(name, family, tempo, harmony, weight, minor, moods, uses, other_names, sources, leads=()):
    words = [tuple(w.strip() for w in s.split(',') if w.strip()) for s in (moods, uses, other_names)]
    low, high = (int(v) for v in tempo.split('-'))
    return Style(name, family, (low, high), harmony, weight, minor, *words, tuple(sources.split()), tuple(leads))


PIANO, GUITAR, SAX, SYNTH, STRINGS, WIND, BRASS = (0, 1, 4), (24, 25, 26), (64, 65, 66), (80, 81, 82, 84, 87), (40, 41, 48), (68, 71, 73, 74, 75), (56, 57, 60)

STYLES = (
    # solo and ballads
    _style('piano ballad', 'ballad', '60-84', 'pop', 4, .45, 'tender,romantic,emotional', 'a love scene,a quiet film scene,studying', 'slow piano song,emotional piano', 'own:piano_ballad own:piano_ballad stdlib/pianoballad', PIANO),
    _style('solo piano', 'classical', '66-120', 'classical', 2, .5, 'thoughtful,elegant', 'reading,a documentary', 'piano solo,piano piece', 'own:solo_piano', PIANO),
    _style('pop ballad', 'ballad', '62-92', 'pop', 1.5, .4, 'romantic,emotional', 'a wedding,a love scene', 'ballad,love song', 'stdlib/popballad stdlib/ballad casio/popballad casio/8beatballad1 casio/16beatballad1 casio/16beatballad2 casio/8beatballad2 casio/8beatballad3 zoom/bald casio/oldieballad casio/serenade'),
    _style('slow twelve-eight ballad', 'ballad', '60-76', 'pop', .6, .3, 'nostalgic,romantic', 'a slow dance', '12/8 ballad,slow doo-wop', 'stdlib/ballad128 stdlib/ballad68 casio/68ballad casio/slowrock pflib/slowrock'),
    _style('guitar ballad', 'ballad', '62-96', 'folk', 1, .4, 'intimate,tender', 'a campfire,an evening at home', 'acoustic ballad', 'stdlib/guitarballad stdlib/folkballad own:fingerpicking', GUITAR),
    _style('rock ballad', 'ballad', '62-88', 'pop', 1, .5, 'emotional,powerful', 'closing credits', 'power ballad', 'stdlib/rockballad kara/kwestballad', (29, 30, 0, 48)),
    _style('string ballad', 'ballad', '60-84', 'classical', .7, .5, 'tender,sad', 'a sad film scene', 'strings ballad', 'stdlib/stringballad own:strings', STRINGS),
    _style('lullaby', 'ballad', '60-84', 'folk', 1, .2, 'sleepy,gentle', 'putting a baby to sleep,a bedtime story', 'cradle song,music box', 'stdlib/lullaby own:music_box own:music_box', (10, 8, 73, 46)),
    # latin
    _style('bossa nova', 'latin', '104-148', 'jazz', 3.5, .4, 'relaxed,warm', 'a cafe,a beach bar,cocktails', 'bossa,brazilian jazz', 'stdlib/bossanova yamaha/jazzbossa kara/kbossa zoom/bossa', (24, 73, 66, 26, 11)),
    _style('samba', 'latin', '120-176', 'latin', 3.5, .3, 'festive,energetic', 'carnival,a street parade,a party', 'brazilian carnival', 'stdlib/samba zoom/samba own:samba own:samba', (73, 24, 56, 75)),
    _style('salsa', 'latin', '130-176', 'latin', 1.2, .55, 'hot,lively', 'a dance floor', 'cuban dance', 'stdlib/salsa yamaha/salsa1 yamaha/salsa2 stdlib/son', BRASS + PIANO),
    _style('mambo', 'latin', '120-172', 'latin', .8, .4, 'lively,playful', 'a ballroom', 'cuban big band', 'stdlib/mambo yamaha/mambo', BRASS),
    _style('cha-cha', 'latin', '104-132', 'latin', .8, .5, 'playful,cheeky', 'a dance class', 'cha cha cha', 'stdlib/chacha'),
    _style('rumba', 'latin', '92-124', 'latin', .8, .5, 'romantic,warm', 'dinner', 'rhumba,beguine', 'stdlib/rhumba stdlib/beguine stdlib/jazzrhumba stdlib/cubanguitar', GUITAR),
    _style('tango', 'latin', '104-132', 'latin', 1.2, .85, 'dramatic,passionate', 'a dance duel', 'argentine tango', 'stdlib/tango stdlib/lighttango', (21, 22, 40)),
    _style('bolero', 'latin', '66-100', 'latin', .6, .5, 'romantic,nostalgic', 'a candlelight dinner', 'slow latin ballad', 'stdlib/bolero stdlib/slowbolero', GUITAR),
    _style('calypso', 'latin', '100-144', 'folk', .9, .05, 'sunny,happy', 'a tropical island level,summer holidays', 'caribbean,steel drum music', 'stdlib/calypso own:calypso', (114, 114, 12)),
    _style('merengue', 'latin', '124-164', 'latin', .6, .4, 'festive,lively', 'a party', 'dominican dance', 'stdlib/merengue', BRASS),
    _style('latin fusion', 'latin', '96-144', 'jazz', .8, .5, 'smooth,lively', 'a travel show', 'latin jazz', 'casio/latinfusion stdlib/lfusion zoom/latin stdlib/afro-cuban zoom/afro'),
    # jazz
    _style('jazz swing', 'jazz', '112-180', 'jazz', 3.5, .3, 'cool,playful', 'a jazz club,a detective story', 'swing,swing jazz', 'stdlib/swing casio/swing yamaha/jazzswing stdlib/easyswing stdlib/jazzguitar yamaha/jazzbouncy', SAX + (56, 0, 26, 11)),
    _style('slow jazz', 'jazz', '60-96', 'jazz', 1.5, .45, 'smoky,relaxed', 'a late-night bar', 'late night jazz,mellow jazz', 'stdlib/slowjazz stdlib/nitejazz stdlib/mellowjazz casio/slowswing stdlib/evansish', SAX + (56, 0)),
    _style('jazz trio', 'jazz', '104-172', 'jazz', 1, .35, 'elegant,cool', 'a hotel lobby', 'piano trio', 'yamaha/jazztrio yamaha/jazzGrtrio stdlib/jazzcombo casio/jazzcombo', (0, 26, 11)),
    _style('big band', 'jazz', '112-176', 'jazz', 1, .3, 'bold,festive', 'a show opening', 'big band swing', 'stdlib/bigband yamaha/jazzbasie casio/fastbigband casio/middlebigband casio/slowbigband stdlib/broadway stdlib/showtune', BRASS + SAX),
    _style('bebop', 'jazz', '140-180', 'jazz', .7, .4, 'busy,virtuoso', 'a chase in the city', 'fast jazz', 'stdlib/bebop stdlib/fastswing stdlib/modernjazz casio/modernjazz', SAX + (56,)),
    _style('jazz waltz', 'jazz', '100-172', 'jazz', 1.2, .4, 'elegant,light', 'a stroll in Paris', 'waltz jazz', 'stdlib/jazzwaltz casio/jazzwaltz yamaha/jazzwaltz stdlib/modernjazzwaltz stdlib/fastjazzwaltz', SAX + (0, 11)),
    _style('gypsy jazz', 'jazz', '120-176', 'jazz', .9, .6, 'lively,charming', 'a French cafe', 'jazz manouche', 'stdlib/gypsyjazz', (26, 40, 71)),
    _style('ragtime', 'jazz', '100-160', 'folk', 1, .1, 'funny,playful', 'a silent film,a cartoon', 'saloon piano', 'stdlib/ragtime stdlib/boggiewoggie', (3, 0)),
    _style('dixieland', 'jazz', '120-176', 'folk', .8, .1, 'happy,rowdy', 'a New Orleans parade', 'traditional jazz', 'stdlib/dixie stdlib/dixiemarch stdlib/charleston', (56, 71, 57)),
    _style('jazz fusion', 'jazz', '92-140', 'jazz', .8, .5, 'cool,complex', 'a weather report', 'fusion', 'casio/fusion zoom/fusion zoom/fus16 stdlib/jazzrock', (26, 81, 65)),
    # waltz, ballroom, marches
    _style('waltz', 'ballroom', '84-170', 'classical', 3, .35, 'elegant,graceful', 'a ballroom,a fairy tale', 'slow waltz,waltz in three', 'stdlib/waltz stdlib/fastwaltz stdlib/vienesewaltz casio/popwaltz own:waltz', STRINGS + (0, 73, 21)),
    _style('french waltz', 'ballroom', '120-172', 'folk', 1, .6, 'charming,nostalgic', 'a scene in Paris', 'musette', 'stdlib/frenchwaltz', (21, 21, 40)),
    _style('foxtrot', 'ballroom', '104-160', 'jazz', .7, .2, 'charming,old-fashioned', 'a ballroom', 'quickstep', 'stdlib/foxtrot casio/foxtrot stdlib/quickstep casio/quickstep stdlib/softshoe', (71, 0, 56)),
    _style('polka', 'folk', '110-144', 'folk', 1.2, .05, 'merry,funny', 'a beer festival,a village dance', 'oompah', 'stdlib/polka casio/polka casio/polkafox casio/poppolka', (21, 71)),
    _style('march', 'march', '100-126', 'folk', 1.2, .15, 'proud,festive', 'a parade,a sports event', 'military march', 'stdlib/march stdlib/68march stdlib/bwmarch casio/march1 casio/germanmarch', (72, 56, 73)),
    # folk, country
    _style('folk', 'folk', '84-132', 'folk', 2, .3, 'warm,simple', 'a village in a role-playing game,a walk in the country', 'folk song,acoustic folk', 'stdlib/folk stdlib/folkrock stdlib/bluefolk stdlib/hillcountry own:fingerpicking', (25, 73, 22, 40, 105)),
    _style('country', 'folk', '96-152', 'folk', 1.5, .1, 'cheerful,easy-going', 'a road trip,a western', 'country song', 'stdlib/countryswing stdlib/slowcountry zoom/country zoom/cntry stdlib/westernswing yamaha/western yamaha/jazzcountry', (25, 22, 40, 105)),
    _style('bluegrass', 'folk', '124-172', 'folk', 1, .05, 'lively,happy', 'a barn dance', 'banjo music', 'stdlib/bluegrass stdlib/zydeco', (105, 40, 25)),
    _style('country waltz', 'folk', '84-132', 'folk', .7, .1, 'nostalgic,warm', 'the end of a day on a farm', 'waltz from the country', 'stdlib/countrywaltz', (25, 22, 40)),
    _style('celtic jig', 'folk', '100-128', 'folk', 1.3, .45, 'merry,lively', 'a tavern in a fantasy game,a medieval fair', 'irish jig,celtic dance', 'own:jig', (73, 40, 109, 75, 22)),
    _style('medieval', 'folk', '84-124', 'folk', 1, .75, 'ancient,mysterious', 'a castle in a fantasy game', 'medieval dance,renaissance music', 'own:medieval', (74, 68, 15, 46)),
    _style('hymn', 'sacred', '66-96', 'classical', .8, .1, 'solemn,peaceful', 'a church', 'spiritual,chorale', 'stdlib/hymn stdlib/spiritual stdlib/slowspiritual own:organ', (19, 52)),
    # blues, soul, funk
    _style('blues', 'blues', '72-124', 'blues', 2.2, .25, 'gritty,soulful', 'a smoky bar', 'twelve-bar blues,blues band', 'stdlib/blues casio/blues zoom/blues stdlib/countryblues stdlib/bluefolk', (22, 26, 29, 65)),
    _style('slow blues', 'blues', '60-76', 'blues', 1.2, .4, 'sad,soulful', 'a lonely night', 'slow twelve-eight blues', 'stdlib/slowblues stdlib/blues128 stdlib/blues68 zoom/blues68', (22, 26, 65)),
    _style('boogie', 'blues', '124-172', 'blues', 1, .05, 'lively,rowdy', 'a diner,a bar fight', 'boogie-woogie,shuffle boogie', 'stdlib/shuffleboggie casio/shuffleboogie stdlib/fastblues zoom/shuffle stdlib/boggiewoggie', (0, 65, 26)),
    _style('soul', 'soul', '76-124', 'pop', 1.2, .35, 'warm,soulful', 'a dinner with friends', 'motown', 'casio/soul casio/60ssoul casio/soulpop kara/8beatmotown stdlib/dsoul stdlib/strut', (65, 16, 56)),
    _style('rhythm and blues', 'soul', '72-112', 'jazz', 1.2, .5, 'smooth,sensual', 'a night drive', 'R&B,slow jam', 'stdlib/rb stdlib/rb-ballad casio/r+b casio/modernrb casio/mellowrb zoom/rnb', (4, 65, 11)),
    _style('funk', 'funk', '92-124', 'blues', 2.5, .5, 'groovy,cool', 'a car chase,a cooking show', 'funky groove', 'stdlib/bvfunk casio/funk1 casio/funk2 kara/Kfunk1 zoom/funk own:funk', (56, 65, 7, 16)),
    _style('disco', 'dance', '108-128', 'dance', 2, .6, 'glamorous,groovy', 'a party,roller skating', 'seventies disco', 'casio/discosoul stdlib/boneym own:disco own:disco', (48, 56, 81)),
    # rock, pop
    _style('rock', 'rock', '104-156', 'pop', 3.5, .4, 'energetic,confident', 'a racing game,a sports video', 'rock band,guitar rock', 'stdlib/basicrock stdlib/60srock casio/rock1 casio/rock2 pflib/rock1 zoom/rock own:rock own:rock yamaha/w-rock', (29, 30, 29, 18)),
    _style('soft rock', 'rock', '84-120', 'pop', 1, .3, 'easy-going,warm', 'a road trip', 'easy rock', 'stdlib/softrock stdlib/bubblerock casio/poprock1 casio/poprock2 stdlib/8beat', (26, 25, 0)),
    _style('rock and roll', 'rock', '140-176', 'blues', 1.2, .05, 'wild,happy', 'a fifties diner', 'fifties rock,rockabilly', 'stdlib/50srock kara/K50s_rock stdlib/twist casio/twist kara/fasttwist kara/twi stdlib/jive', (65, 26, 0)),
    _style('shuffle rock', 'rock', '104-144', 'blues', .8, .2, 'rowdy,easy-going', 'a truck drive', 'rock shuffle', 'casio/shufflerock casio/popshuffle1 casio/popshuffle2 casio/16shuffle1 kara/happyshuffle', (26, 22, 29)),
    _style('heavy metal', 'rock', '104-172', 'dark', 1.8, .95, 'aggressive,dark', 'a boss fight,a battle', 'metal', 'casio/heavymetal pflib/metal1 pflib/metal2 zoom/mtl zoom/thr own:metal own:metal', (30, 30, 29)),
    _style('punk', 'rock', '156-180', 'pop', 1, .2, 'rebellious,fast', 'a skateboard video', 'punk rock', 'zoom/punk own:punk', (29, 30)),
    _style('ska', 'reggae', '120-168', 'pop', 1, .2, 'happy,bouncy', 'a skate park', 'two tone ska', 'stdlib/ska zoom/ska', BRASS + (16,)),
    _style('reggae', 'reggae', '68-96', 'pop', 2.2, .5, 'laid-back,sunny', 'a beach,a lazy afternoon', 'roots reggae,dub', 'zoom/reggae own:reggae own:reggae', (16, 26, 22)),
    _style('pop', 'pop', '92-132', 'pop', 2.2, .35, 'bright,catchy', 'a shop,an advert', 'pop song', 'casio/pop casio/8beatpop1 casio/8beatpop2 casio/60spop casio/8beat1 casio/16beat1 casio/16beat2 pflib/8beat1 pflib/16beat1 zoom/pop zoom/beat8 zoom/beat16', (80, 73, 0, 26)),
    _style('eighties pop', 'pop', '100-132', 'pop', 1, .4, 'nostalgic,bright', 'a retro video', '80s pop,electric pop', 'casio/80spop casio/electricpop casio/digitalrock pflib/highfive', SYNTH),
    _style('world music', 'world', '84-124', 'folk', .7, .5, 'colourful,warm', 'a travel show', 'ethnic fusion', 'casio/worldpop zoom/mide zoom/hrk', (104, 77, 107, 12)),
    _style('oriental', 'world', '84-124', 'dark', 1, .95, 'mysterious,exotic', 'a desert level,a bazaar', 'arabian,middle eastern', 'stdlib/desert zoom/mide own:oriental', (104, 68, 111, 110)),
    # electronic
    _style('trance', 'electronic', '128-146', 'dance', 4, .85, 'hypnotic,euphoric,driving', 'a rave,a running mix,a space shooter', 'trance music,club trance', 'own:trance own:trance own:trance casio/trance1 casio/trance2 stdlib/trance', SYNTH),
    _style('techno', 'electronic', '124-146', 'dance', 2.2, .95, 'mechanical,hypnotic', 'a factory level,a warehouse party', 'minimal techno', 'own:techno own:techno casio/techno alexis/teamtechno zoom/techno', SYNTH),
    _style('house', 'electronic', '116-130', 'jazz', 2.2, .6, 'groovy,uplifting', 'a fashion show,a rooftop party', 'deep house,club house', 'own:house own:house casio/house casio/latinhouse zoom/house', (4, 16, 81)),
    _style('dance', 'electronic', '120-140', 'dance', 2, .6, 'energetic,uplifting', 'a workout,a party', 'dance pop,eurodance', 'casio/dance1 casio/dance2 casio/dancepop1 casio/dancepop2 zoom/dance casio/8beatdance own:eurodance', SYNTH),
    _style('drum and bass', 'electronic', '160-178', 'dance', 1.4, .9, 'frantic,futuristic', 'a racing game', 'jungle,dnb', 'zoom/dnb own:drum_and_bass own:drum_and_bass', SYNTH),
    _style('hip hop', 'hip hop', '80-104', 'dark', 1.5, .9, 'cool,gritty', 'a basketball video', 'rap beat,boom bap', 'alexis/hiphop casio/hip-hop zoom/hiphop', (4, 81, 11)),
    _style('trip hop', 'hip hop', '72-96', 'calm', 1, .85, 'moody,dark', 'a thriller', 'downtempo', 'casio/triphop zoom/trip own:downtempo', (4, 88, 11)),
    _style('lo-fi hip hop', 'hip hop', '68-90', 'jazz', 3, .5, 'relaxed,nostalgic,dreamy', 'studying,a rainy evening,coding', 'lofi beats,chillhop,lo-fi', 'own:lofi', (4, 11, 26, 0)),
    _style('synthwave', 'electronic', '84-118', 'pop', 2, .8, 'nostalgic,driving', 'a night drive,a neon city', 'retrowave,outrun', 'own:synthwave', SYNTH),
    _style('ambient', 'ambient', '60-90', 'calm', 3.5, .5, 'calm,dreamy,peaceful', 'meditation,sleep,a space game', 'ambient pads,soundscape', 'own:ambient own:ambient own:ambient casio/ambient1 casio/ambient2 casio/ambient3 zoom/ambient', (88, 99, 91, 73)),
    _style('dark ambient', 'ambient', '60-80', 'dark', 1.8, 1.0, 'dark,ominous,tense', 'a horror game,a cave', 'horror soundscape,drone', 'own:dark_ambient', (95, 91, 101)),
    _style('new age', 'ambient', '64-96', 'calm', 1.4, .3, 'peaceful,gentle', 'yoga,a spa', 'relaxation music,arpeggio', 'stdlib/arpeggio44 stdlib/arpeggio68 stdlib/arpeggiowaltz own:new_age', (75, 46, 77, 0)),
    # games, film
    _style('chiptune', 'game', '112-168', 'pop', 4, .4, 'playful,bouncy', 'a platform game,a puzzle game,a retro game', '8-bit,8-bit music,chip music', 'own:chiptune', (80, 80, 81)),
    _style('puzzle game', 'game', '88-124', 'pop', 2, .2, 'curious,light,playful', 'a puzzle game,a casual game,an app menu', 'marimba ostinato,light game music', 'own:puzzle', (12, 11, 9, 13)),
    _style('boss battle', 'game', '140-176', 'epic', 1.8, 1.0, 'intense,aggressive', 'a boss fight,a final battle', 'battle theme,fight music', 'own:battle', (30, 48, 56, 81)),
    _style('orchestral', 'orchestral', '76-132', 'epic', 2.2, .5, 'epic,heroic,majestic', 'a film trailer,a fantasy battle,an adventure game', 'epic orchestra,film score', 'own:orchestral', (60, 48, 56)),
    _style('cinematic strings', 'orchestral', '60-88', 'epic', 1.6, .7, 'sad,moving,dramatic', 'a film scene,a memorial', 'string orchestra', 'own:strings', STRINGS),
    _style('string quartet', 'orchestral', '72-120', 'classical', 1, .5, 'elegant,lively', 'a wedding,a garden party', 'chamber music', 'own:quartet', (40,)),
    _style('suspense', 'orchestral', '80-132', 'dark', 1.2, 1.0, 'tense,mysterious', 'a stealth game,a thriller', 'tension music,spy music', 'own:suspense', (45, 71, 11)),
    _style('harp solo', 'classical', '60-100', 'calm', .8, .3, 'magical,gentle', 'a fairy tale,a save point', 'harp arpeggios', 'own:harp', (46, 73)),
    _style('church organ', 'sacred', '60-92', 'classical', .9, .6, 'solemn,grand', 'a cathedral,a haunted castle', 'pipe organ', 'own:organ', (19,)),
)
BY_NAME = {s.name: s for s in STYLES}
FAMILIES = tuple(dict.fromkeys(s.family for s in STYLES))
