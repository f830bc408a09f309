"""Closed lists of phrases that open a question, a lead-in, small talk, a supposition or a part that is played.

In lower case, with straight apostrophes; chat spellings without them stand beside the full ones.
"""

from mem0_slm.said.sentences import Word

Openers = dict[str, list[list[str]]]
"""Phrases by their first word, the longest first."""


def _openers(text: str) -> Openers:
    found: Openers = {}
    for phrase in sorted({tuple(opener.split()) for opener in text.split("|")}, key=len, reverse=True):
        found.setdefault(phrase[0], []).append(list(phrase))
    return found


def says(words: list[Word], i: int, openers: Openers) -> int:
    """How many words from `i` on make one of the openers; 0 for none."""
    phrases = openers.get(words[i].said) if i < len(words) else None
    if phrases is None:
        return 0
    following = [word.said for word in words[i : i + len(phrases[0])]]
    for phrase in phrases:
        if following[: len(phrase)] == phrase:
            return len(phrase)
    return 0


SHORT_QUESTIONS = _openers(
    "any ideas|any idea|any tips|any suggestions|any recommendations|any thoughts|any advice|any chance|any way|"
    "any good|any clue|any recs|any luck|thoughts|opinions|wdyt|wondering|i wonder|i was wondering|i am wondering|"
    "i'm wondering|im wondering|just wondering|was wondering|been wondering|i've been wondering|unsure|curious if|"
    "curious about|curious whether|curious what|curious how|reckon u|reckon you|reckon i|my question|question is|"
    "i'd like to know|id like to know|i would like to know|want to know|i want to know|wanna know|need to know|"
    "i need to know|can't decide|cant decide|anyone know|anyone else|know any|got any|how about|what about|same for|"
    "ever heard|ever tried|ever been|i'd love to know|do you|is it|is there|are there|should i|what if|why not|"
    "trying to figure out|trying to work out|trying to decide|i'm trying to figure out|im trying to figure out|"
    "i'm trying to work out|im trying to work out|i'm trying to decide|im trying to decide|i can't decide|"
    "i cant decide|not even sure|i'm curious|im curious|i am curious|i'm torn|im torn|true or false|right or wrong|"
    "fact or myth|yes or no"
)

UNKNOWN = _openers(
    "not sure|i'm not sure|im not sure|i am not sure|idk|i don't know|i dont know|don't know|dont know|dunno|no idea|"
    "no clue|i have no idea|can't remember|cant remember|can't figure out|cant figure out|i can't figure out|"
    "i cant figure out|i can't work out|i don't understand|i dont understand|i forgot|can't tell|i can't tell|"
    "not certain|i never know|i'm unsure|im unsure|unclear|i do not know"
)

INSIDE = _openers(
    "can i|can we|can you|can u|could i|could you|could u|should i|should we|shud i|do i|do you|do u|is it ok|"
    "is it okay|is it safe|is it normal|is it bad|is it worth|is it true|is it possible|is there a|is there any|"
    "are there any|would it be|would you|what should|what do|what can|what would|what are|whats a|what's a|what is a|"
    "whats the|what's the|what is the|how do|how can|how should|how much|how many|how long|how would|any ideas|"
    "any tips|any suggestions|any recommendations|any thoughts|any advice|which one|where can|where should|"
    "when should|am i allowed|does that|what is it|what is that|whats it|is that a|is that too|is this a|is it a|"
    "is it too|is that ok|is that normal|is this normal|is this ok|is that bad|can my|should my|will i|will it|"
    "how soon|how often"
)

STANDING = _openers(
    "from now on|from here on|in future|in the future|going forward|every time you|whenever you|when you answer|"
    "when you reply|when you respond|when you write|any more|anymore|ever again|each time you|for all your"
)

TAGS = _openers(
    "if that matters|if it matters|if possible|if that makes sense|if that helps|if it helps|if you ask me|"
    "if anything|if you want to know|if you're wondering|if youre wondering|if you must know|if that's relevant|"
    "if relevant|as if|if not more|if you want|if you can|if you could|if you don't mind|if you dont mind|"
    "if thats ok|if that's ok|if i remember right|if i remember correctly|if u want|if you like|if you wonder|"
    "if i'm honest|if im honest"
)

SUPPOSED = _openers(
    "suppose|supposing|imagine|let's say|lets say|let us say|say i|say we|say my|hypothetically|in theory|assume|"
    "assuming|picture this|what if|in a world|in another life|if only|let's imagine|lets imagine|in this scenario|"
    "in a dream|i dreamt|i dreamed|last night i dreamt|in my dream|had a dream|i had a dream|once upon a time|"
    "a man walks into|a guy walks into|just kidding|jk|roses are red|there once was|say someone|say somebody|"
    "theoretically|had i known|thought experiment|hypothetical|fictional|joke :|riddle :|a riddle|riddle me this|"
    "hypothetical :|scenario :|as if|like i'm going|like im going|like i care|like i would|like i'd"
)

PLAYED = _openers(
    "act as|acting as|you are a|you are an|you are the|you're a|you're an|you're the|youre a|youre the|you are now|"
    "you're now|youre now|ur a|ur the|you will be|you'll be|you play|you be|be my|stay in character|i am a character|"
    "i'll play|ill play|i'm the player|speak as|talk like|answer as|respond as|reply as|i want you to act|"
    "i want you to play|i want you to pretend|pretend to be|pretend you|pretend that|pretend we|pretend i|"
    "in character|we're playing|your role|your character|lets play|let's play|let's roleplay|lets roleplay|"
    "let's role-play|roleplay|role-play|knock knock|20 questions|twenty questions|truth or dare|would you rather|"
    "would you mind pretending|can you pretend|could you pretend|"
    "quiz me|trivia|guess who i am|guess the animal|i want you to be a|i want you to be an|i want you to be the|"
    "i want you to be my|pretend|let's pretend|lets pretend"
)

CHAT = _openers(
    "i get it|got it|gotcha|never mind|nevermind|nvm|ignore|forget it|forget that|bear with me|long story|"
    "where was i|my bad|my mistake|here goes|here it is|here you go|below is|below are|the following|brb|gtg|"
    "gotta go|g2g|be right back|you know what|fair enough|makes sense|makes more sense|sounds good|sounds great|"
    "sounds perfect|looks good|looks great|one sec|i'll try|i will try|ill try|i'll do that|i'll let you|"
    "i'll be back|just asking|just wondering|just curious|just checking|just saying|just testing|just kidding|"
    "i already asked|i typed|i pasted|i hit enter|i pressed|quick question|one more question|another question|"
    "i need your help|need your help|that didn't|that didnt|it didn't work|it didnt work|still not working|"
    "still doesn't work|you have to laugh|happy birthday|congrats|congratulations|talk to|talk soon|talk later|"
    "speak soon|pardon|don't worry|dont worry|no worries|no problem|no rush|no hurry|as you can see|as you know|"
    "that helps|that helped|that worked|there you go|there we go|here we go|back again|it's me|its me|me again|"
    "thx for|ty for|cheers for|much appreciated|let me know|let me think|let me see|let me check|let me rephrase|"
    "give me a sec|give me a second|let me try|i was joking|i'm joking|im joking|i'm kidding|im kidding|jk|"
    "i'm just kidding|don't ask|dont ask|take care|keep it up|well done|good job|great job|great work|good work|"
    "same to|to be fair|moving on|next question|where were we|as i was|anyway so|that is all|carry on|i can't think|"
    "i cant think|just chatting|stop it|oh well|time for bed|you win|you got it|thank god|thank goodness|thank fuck|"
    "not what i|crazy right|touch wood|wish me luck|no need|bless your|bless you|could eat a horse|sleep well|"
    "sleep tight|good morrow|good to know"
)

CHAT_IF_SHORT = _openers(
    "i'm on|sorry i|i sent|i asked|i bet|have a|i guess|i see|i mean|here's|heres|here is|here are|i love it|"
    "i love that|i love this|i like it|i like that|i like this|i hate that|i hate this|i hate it|love it|love that|"
    "love this|loved it|hate that|sorry to|sorry for|sorry about|that works|it works|it worked|i tried that|"
    "i did that|my head's|my head is|my brain|attached|i was just|i was only|nice to|hope that|can't wait|cant wait|"
    "i can't wait|i cant wait|this isn't what|that is not|that isn't|that isnt|that's not|thats not|that was not|"
    "that wasn't|that makes|off to bed|i'm off|im off|i'm done|im done|end of|it happens|it is what|it's what|"
    "i was wrong|i agree|i disagree|no idea|i suppose|i don't get it|i dont get it|i understand|i don't understand|"
    "i dont understand|i don't know|i dont know|idk|dunno|i'm sorry|im sorry|such a|what a|thanks for|thank you|"
    "thanks a|thanks so|too hot|too cold|so hot|so cold|i apologise|i apologize|apologies|i appreciate|"
    "fingers crossed|i got a question|long time|bye|i give up|i think so|i hope so|made my day|knew it|"
    "serves me right|typical|just like that|the first one|the second one|the third one|the last one|that one|"
    "strike that|scratch that|disregard|please disregard|story of my life|guess what|god knows|who knows|who cares|"
    "signing off|excuse my|excuse the|good luck|go on|need help|i need help|need some help|i need some help|"
    "i need a minute|need a minute|give me a minute|one minute|i have a question|i've got a question|"
    "ive got a question|i had a question|sounds like|that's it|thats it|that's all|thats all|good point|good idea|"
    "great idea|i hope this|hope you|hope ur|i hope you|see you|nice work|works for me|that's fine|thats fine|"
    "not quite|close enough|nothing yet|nothing much|not much|love you|love u|luv u|luv you|same here|same old|"
    "all good|all fine|no no|happy new year|one second|a second|a sec|the time|i've got to go|ive got to go|"
    "i have to go|i got to go|gotta run|gotta dash|running late|must be|i could eat a horse|i'd kill for|id kill for|"
    "i could murder|kill me|let's go|lets go|i have a doubt|bit embarrassing"
)

RETURNS = _openers(
    "in real life|irl|for real|for real though|seriously|seriously though|anyway|anyways|btw|by the way|back to|"
    "real question|on a serious note|ooc|out of character|stop|ok stop|okay stop|enough|ok enough|thanks|thank you|"
    "haha|lol|new topic|different question|another question|end scene|end of|moving on|in reality|actually i'm|"
    "actually im|real talk|unrelated|on another note|different topic|ok thanks|that was fun|for context|about me|"
    "about myself|in truth"
)

LEAD_IN = _openers(
    "remember that|remember :|remember ,|please remember that|note :|note that|please note that|please note|"
    "keep in mind that|keep in mind|bear in mind that|bear in mind|for the record|for your information|for info|"
    "for context|just so you know|just so u know|so you know|jsyk|just to add|just to clarify|to clarify|"
    "just to let you know|to be clear|i should mention that|i should mention|i should add that|i should add|"
    "i should say that|i should say|i should probably mention|i should also mention|i should note that|"
    "i forgot to say that|i forgot to say|i forgot to mention that|i forgot to mention|forgot to mention|"
    "forgot to say|forgot to add|worth mentioning that|worth mentioning|worth knowing|context :|background :|"
    "some background :|some background|you should know that|you should know|let me add that|let me add|"
    "i want you to know that|i want you to know|i wanted to say that|as i said|as i mentioned|as i told you|"
    "like i said|like i mentioned|i already told you that|i already told you|i told you that|kindly note ,|"
    "kindly note|i told you|i told u|i said that|don't forget that|dont forget that|do not forget that|thing is|"
    "the thing is|fact is|the fact is|fun fact :|fun fact|ps|p.s|edit :|update :|one more thing|one thing|"
    "another thing|for future reference|by the way|in case it matters|in case it helps|if it helps|if it matters|"
    "if that matters|the problem is|the issue is|the point is|the truth is|truth is|just fyi|heads up|"
    "the only thing is|reminder :|please remember|as you said|pls remember|remember|actual question :|"
    "real question :|question :|quick question :|serious question :|i want you to remember that|"
    "i want you to remember|i need you to remember that|i need you to remember|i need you to know that|"
    "i need you to know|i'd like you to remember that|i'd like you to remember|id like you to remember that|"
    "id like you to remember|make sure you remember that|make sure you remember|make sure to remember that|"
    "make sure to remember|you need to know that|you need to know|you have to know that|you have to know|"
    "be aware that|be aware|please be aware that|please be aware|be advised that|be advised|please know that|"
    "please know|just know that|just know|for your memory that|for your memory|know that|i'd told you|id told you|"
    "i had told you|you asked ,|you asked :"
)
